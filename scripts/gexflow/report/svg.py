"""Make an SVG drawing safe to stand inside an HTML page, beside others."""

import re
import xml.etree.ElementTree as ET

from gexflow.errors import InputError

REFERENCE = re.compile(r"url\(\s*['\"]?#([^)'\"]+)['\"]?\s*\)")
UNWANTED = {"metadata", "script", "foreignObject", "title", "desc"}
PIXELS_A_POINT = 1.5  # eight-point figures then read like the text around them
LOOSE = re.compile(r"\d+\.\d{3,}")


def inline_svg(source: str, name: str, label: str, compact: bool = False) -> str:
    """Return a drawing as one `<svg>` element for HTML.

    Prolog, namespaces, metadata, scripts and remote references are dropped; ids get the prefix `name`, so that
    drawings on one page don't borrow each other's clip paths and markers; styles are confined to the drawing.

    Parameters
    ----------
    source : str
        An SVG document.
    name : str
        Unique on the page, letters, digits and dashes.
    label : str
        What the drawing shows, in one sentence, for those who cannot see it.
    compact : bool
        Round coordinates to hundredths of a point.
    """
    try:
        root = ET.fromstring(source.encode())
    except ET.ParseError as error:
        raise InputError(f'The drawing "{name}" is no valid SVG ({error}). Delete its file and run again.') from error
    _strip(root)
    _rename(root, name)
    _unwrap(root)
    for style in root.iter("style"):
        style.text = f"#{name} {{ {style.text or ''} }}"
    if compact:
        _round(root)
    box = root.get("viewBox") or f"0 0 {_points(root.get('width'))} {_points(root.get('height'))}"
    width = f"{PIXELS_A_POINT * float(box.split()[2]):.0f}"
    root.attrib = {"id": name, "viewBox": box, "width": width, "role": "img", "aria-label": label}
    title = ET.Element("title")
    title.text = label
    root.insert(0, title)
    return ET.tostring(root, encoding="unicode")


def _points(length: str | None) -> str:
    found = re.match(r"[\d.]+", length or "")
    return found.group() if found else "600"


def _strip(parent: ET.Element) -> None:
    """Forget namespaces, remote references, and elements that draw nothing."""
    parent.tag = _local(parent.tag)
    parent.attrib = {_local(key): value for key, value in parent.attrib.items() if _harmless(_local(key), value)}
    if parent.tag not in ("text", "tspan", "style", "title"):
        parent.text = None
    for child in list(parent):
        # Comments and processing instructions have a function for a tag.
        if not isinstance(child.tag, str) or _local(child.tag) in UNWANTED or _remote_style(child):
            parent.remove(child)
            continue
        _strip(child)
        if child.tag == "g" and len(child) == 0:
            parent.remove(child)
        elif parent.tag not in ("text", "tspan"):
            child.tail = None


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _harmless(key: str, value: str) -> bool:
    if key.startswith("on") or key in ("aria-labelledby", "aria-describedby"):
        return False
    if key == "href":
        return value.startswith(("#", "data:image/"))
    return not re.search(r"url\(\s*['\"]?(?!['\"]?#)", value)


def _remote_style(element: ET.Element) -> bool:
    return _local(element.tag) == "style" and bool(re.search(r"@import|://", element.text or ""))


def _rename(root: ET.Element, name: str) -> None:
    """Keep only the ids that something refers to, and make them unique."""
    elements = list(root.iter())
    used = {element.get("href", "")[1:] for element in elements}
    for element in elements:
        for value in element.attrib.values():
            used.update(REFERENCE.findall(value))
    for element in elements:
        for key, value in list(element.attrib.items()):
            if key == "id" and value in used:
                element.set("id", f"{name}-{value}")
            elif key == "id":
                del element.attrib["id"]
            elif key == "href" and value.startswith("#"):
                element.set("href", f"#{name}-{value[1:]}")
            elif "url(" in value:
                element.set(key, REFERENCE.sub(rf"url(#{name}-\1)", value))


def _unwrap(parent: ET.Element) -> None:
    """Put the children of groups that carry nothing in their place."""
    children: list[ET.Element] = []
    for child in list(parent):
        _unwrap(child)
        children += list(child) if child.tag == "g" and not child.attrib else [child]
    parent[:] = children


def _round(root: ET.Element) -> None:
    for element in root.iter():
        for key in ("d", "x", "y"):
            if key in element.attrib:
                short = LOOSE.sub(lambda found: f"{float(found.group()):.2f}".rstrip("0").rstrip("."), element.get(key))
                element.set(key, " ".join(short.split()))
        # Upright text needs no rotation.
        if element.get("transform", "").startswith("rotate(-0 "):
            del element.attrib["transform"]
