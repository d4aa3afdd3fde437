"""Figures as SVG that stands inside a page and takes on its colours."""

import base64
import hashlib
import io
import re
from xml.etree import ElementTree

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from hertzian.report.markup import Markup
from hertzian.report.style import INK, PAPER, RULE, SERIES, style

_PAGE_COLORS = {INK: "currentColor", PAPER: "var(--card)", RULE: "var(--rule)"} | {
    color: f"var(--series-{index})" for index, color in enumerate(SERIES)
}
_FONTS = re.compile(r"font-family: [^;]*;? ?")
_LONG_NUMBER = re.compile(r"(\.\d\d)\d+")  # cut to a hundredth of a point
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_HREF = "{http://www.w3.org/1999/xlink}href"


def inline_svg(figure: Figure, description: str) -> Markup:
    """Return a figure as one `<svg>` element for an HTML page, with a description to read out.

    Nothing in it points outside; ink and grid take the page's colours (`currentColor`, `--rule`);
    its identifiers are its own, so that any number of figures share a page.
    """
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format="svg", transparent=True, metadata=_NO_METADATA)
    prefix = "s" + hashlib.sha256(buffer.getvalue()).hexdigest()[:8]
    root = ElementTree.fromstring(buffer.getvalue())
    for parent in root.iter():
        for child in [c for c in parent if c.tag.endswith(("}style", "}metadata"))]:
            parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        _adapt(element, prefix)
    width, height = (root.attrib.pop(name) for name in ("width", "height"))
    root.set("style", f"width:{width};aspect-ratio:{width[:-2]}/{height[:-2]}")
    root.set("role", "img")
    root.set("aria-label", description)
    return Markup(ElementTree.tostring(root, encoding="unicode", short_empty_elements=False))


def _adapt(element: ElementTree.Element, prefix: str) -> None:
    """Make one element fit for a page: names of its own, the page's colours, small images."""
    attributes = element.attrib
    if element.tag == "g":
        attributes.pop("id", None)
    if "id" in attributes:
        attributes["id"] = prefix + attributes["id"]
    if "clip-path" in attributes:
        attributes["clip-path"] = attributes["clip-path"].replace("url(#", f"url(#{prefix}")
    if "style" in attributes:
        attributes["style"] = _in_page_colors(attributes["style"])
    if "d" in attributes:
        attributes["d"] = _LONG_NUMBER.sub(r"\1", attributes["d"]).replace("\n", "")
    target = attributes.pop(_HREF, None)
    if target is not None and element.tag == "image":
        target = _small_png(target)
        attributes.pop("style", None)
    elif target is not None and element.tag == "use":
        target = f"#{prefix}{target[1:]}"
    if target is not None:
        attributes["href"] = target
    attributes.pop("target", None)


def _in_page_colors(css: str) -> str:
    for color, variable in _PAGE_COLORS.items():
        css = css.replace(color, variable)
    return _FONTS.sub("", css)


def _small_png(uri: str) -> str:
    """Return a PNG's data URI with one byte a pixel where 256 colours suffice."""
    picture = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    pixels = np.asarray(picture.convert("RGB"), dtype=np.uint32)
    packed = (pixels[..., 0] << 16) | (pixels[..., 1] << 8) | pixels[..., 2]
    colors, indices = np.unique(packed, return_inverse=True)
    if colors.size > 256:
        return uri
    small = Image.fromarray(indices.reshape(packed.shape).astype(np.uint8), mode="P")
    palette = np.stack([colors >> 16, colors >> 8 & 255, colors & 255], axis=-1)
    small.putpalette(palette.astype(np.uint8).tobytes())
    buffer = io.BytesIO()
    small.save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
