"""HTML that is escaped by construction."""

import html


class Markup(str):
    """Text that is HTML already: `element` made it, and it alone goes into a page unescaped."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: str) -> Markup:
    """Return `<tag ...>children</tag>`, all escaped: attributes, and children but for `Markup`.

    A trailing underscore of an attribute's name is dropped (`class_`), others become hyphens.
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(value)}"'
        for name, value in attributes.items()
    )
    inner = join(*children)
    return Markup(f"<{tag}{written}>{inner}</{tag}>")


def join(*children: str) -> Markup:
    """Return pieces one after the other; those that are not `Markup` are escaped."""
    return Markup("".join(c if isinstance(c, Markup) else html.escape(c) for c in children))
