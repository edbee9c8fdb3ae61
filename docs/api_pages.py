"""Writes `docs/api/` from the docstrings, which are read from the source without importing it.

python -m docs.api_pages
"""

import pathlib
import textwrap

import griffe

from zoo.files import write_atomic

ROOT = pathlib.Path(__file__).resolve().parents[1]
UNLISTED = ("training",)  # public, though `zoo` names only what is used most
INDEX = """# The library, name by name

Written by `make docs` from the docstrings.

| module | what it is |
|---|---|
{modules}
What `import zoo` names by itself:

| name | what it is |
|---|---|
{names}"""


def read_package():
    """The package as griffe sees it: modules, names and docstrings."""
    loader = griffe.GriffeLoader(search_paths=[str(ROOT)])
    package = loader.load("zoo")
    loader.resolve_aliases(implicit=True)
    return package


def public_names(module):
    """What a module offers: its `__all__`, else the functions and classes that it defines without an underscore."""
    if module.exports is not None:
        return sorted(map(str, module.exports), key=str.lower)
    defined = {name: member for name, member in module.members.items() if not member.is_alias}
    return [name for name, each in defined.items() if not (each.is_attribute or name.startswith("_"))]


def look_up(module, name):
    """A public name of a module; where a function bears its file's name, griffe finds the file first."""
    member = module[name]
    return member[name] if member.is_module and name in member.members else member


def public_modules(package):
    """`{name: module}` of those that have a page."""
    names = sorted({*public_names(package), *UNLISTED})
    return {name: package[name] for name in names if package[name].is_module}


def summary(member):
    """The first line of a docstring, for a table's cell."""
    return member.docstring.value.split("\n")[0].replace("|", r"\|") if member.docstring else ""


def item(entry):
    """An argument, an attribute or an exception as a list item, a return value as a sentence."""
    label, text = getattr(entry, "name", None) or str(entry.annotation or ""), " ".join(entry.description.split())
    if label.endswith(","):  # griffe takes the second of two names for the first one's type
        label = f"{label} {entry.annotation}"
    return f"- `{label.strip('()')}`: {text}\n" if label else f"{text}\n"


def describe(member):
    """A docstring in Markdown."""
    parts = []
    options = {"returns_named_value": False, "returns_multiple_items": False, "warnings": False}
    for section in member.docstring.parse("google", **options) if member.docstring else ():
        if section.kind is griffe.DocstringSectionKind.text:
            parts.append(f"{section.value}\n")
        else:
            title = {"parameters": "arguments"}.get(section.kind.value, section.kind.value)
            parts.append(f"**{title.capitalize()}**\n\n" + "".join(map(item, section.value)))
    return "\n".join(parts)


def signature(member, name):
    """How a function or class is called; a class may have its constructor, or its fields, from the one above."""
    if member.is_class and "__init__" not in member.all_members:  # a named tuple, or nothing to construct it with
        fields = [each for each, kept in member.members.items() if kept.is_attribute and kept.annotation]
        return f"{name}({', '.join(fields)})"
    if member.is_class:
        return member.all_members["__init__"].signature(name=name)
    return member.signature(name=name)


def entry(name, member, prefix="", level="##"):
    """Heading, signature or value, and docstring of a name; of a class its documented methods, too."""
    code = f"{name} = {member.value}" if member.is_attribute else signature(member, prefix + name)
    code = textwrap.fill(code, 100, subsequent_indent="    ", break_long_words=False)
    text = f"\n{level} `{name}`\n\n```python\n{code}\n```\n\n{describe(member)}"
    for inner, method in member.members.items() if member.is_class else ():
        if method.docstring and method.is_function and not inner.startswith("_"):
            text += entry(f"{name}.{inner}", method, level="###")
    return text


def page(name, module):
    """A module's page."""
    entries = [entry(each, look_up(module, each), prefix=f"zoo.{name}.") for each in public_names(module)]
    return f"# `zoo.{name}`\n\n{describe(module)}" + "".join(entries)


def index(package, modules):
    """The page that leads to the others."""
    rows = [f"| [`zoo.{name}`]({name}.md) | {summary(module)} |\n" for name, module in modules.items()]
    names = []
    for name in public_names(package):
        if name not in modules:
            where = package[name].canonical_path.split(".")[1]
            names.append(f"| [`zoo.{name}`]({where}.md#{name.lower()}) | {summary(package[name])} |\n")
    return INDEX.format(modules="".join(rows), names="".join(names))


def render():
    """`{file name: text}` of every page."""
    package = read_package()
    modules = public_modules(package)
    return {"README.md": index(package, modules), **{f"{name}.md": page(name, modules[name]) for name in modules}}


def main():
    folder = ROOT / "docs" / "api"
    folder.mkdir(parents=True, exist_ok=True)
    texts = render()
    for stale in {path.name for path in folder.glob("*.md")} - texts.keys():
        (folder / stale).unlink()
    for name, text in texts.items():
        write_atomic(folder / name, text)


if __name__ == "__main__":
    main()
