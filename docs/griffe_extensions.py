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


def rewrite_examples(parent):
    """Makes a section of every "Example:" in a module or class."""
    for member in [parent, *parent.members.values()]:
        if not member.is_alias and member.docstring:
            member.docstring.value = EXAMPLE.sub(as_section, member.docstring.value)
    for member in parent.members.values():
        if not member.is_alias and (member.is_module or member.is_class):
            rewrite_examples(member)


class Docstrings(griffe.Extension):
    """Rewrites examples and corrects exports when all of a package is read."""

    def on_package(self, *, pkg, **kwargs):
        rewrite_examples(pkg)
        show_exports(pkg)  # afterwards, because a module is no longer a member when a function takes its name
