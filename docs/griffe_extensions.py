"""What Griffe has to be told about this package before MkDocs shows its docstrings."""

import re
import textwrap

import griffe

EXAMPLE = re.compile(r"^Examples?:\n((?:[ \t]*\n| +.*(?:\n|$))+)", flags=re.MULTILINE)


def as_section(match):
    """An "Example:" as the section that Griffe knows, "Examples:"; code without prompts gets a fence."""
    body = textwrap.dedent(match[1]).strip("\n")
    if ">>>" not in body and "```" not in body:
        body = f"```python\n{body}\n```"
    return f"Examples:\n{textwrap.indent(body, '    ')}\n\n"


def show_exports(module):
    """Lets `from zoo.networks.mlp import mlp` name the function; Griffe finds the file of that name first."""
    for name in map(str, module.exports or ()):
        found = module.members[name]
        found = found.final_target if found.is_alias else found
        if found.is_module and name in found.members:
            module.members[name] = griffe.Alias(name, found.members[name], parent=module)
    for member in module.members.values():
        if not member.is_alias and member.is_module:
            show_exports(member)


class Examples(griffe.Extension):
    """Rewrites docstrings before they are parsed."""

    def on_object(self, *, obj, **kwargs):
        if obj.docstring:
            obj.docstring.value = EXAMPLE.sub(as_section, obj.docstring.value)


class Exports(griffe.Extension):
    """Corrects what a package exports when all of it is read."""

    def on_package(self, *, pkg, **kwargs):
        show_exports(pkg)
