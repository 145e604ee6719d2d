"""The one kind of error that is the user's to mend."""


class InputError(ValueError):
    """A mistake in the config or in an input file.

    Its message is one sentence (or two) for a biologist: what is wrong, where (file, row, key), what to do.
    It is shown without a traceback.
    """


def nearest(name: str, valid: list[str]) -> str:
    """Return a hint that names the valid spelling nearest to `name`, or all of them where none is near."""
    from difflib import get_close_matches

    lowered = {known.lower(): known for known in map(str, valid)}
    close = get_close_matches(str(name).lower(), list(lowered), n=1, cutoff=0.6)
    if close:
        return f"did you mean {shorten(lowered[close[0]])}?"
    return f"known: {listed(list(map(str, valid))) or 'none'}"


def listed(names: list[str], most: int = 30) -> str:
    """Return the first names of a list in one line, each cut where it is long."""
    return ", ".join(map(plain, names[:most])) + (", ..." if len(names) > most else "")


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, as "1 sample" and "1,200 samples"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def plain(text: str, length: int = 60) -> str:
    """Return a piece of a file as a message can hold it: cut where it is long, "?" for what cannot be printed."""
    text = text if len(text) <= length else text[:length] + "..."
    return "".join(character if character.isprintable() else "?" for character in text)


def shorten(text: str, length: int = 60) -> str:
    """Quote a piece of a file, cut where it is long."""
    return f'"{plain(text, length)}"'
