"""Parts of a document that are made, between marks: the README's results, the miniature's. Light: no torch."""


def replace_section(text: str, begin: str, end: str, content: str) -> str:
    """`text` with what stands between the marks replaced by `content`.

    Args:
        text: the document.
        begin, end: the marks, each with its line's end.
        content: without a line's end of its own; empty lines are put around it.
    """
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f'{before}{begin}\n{content}\n\n{end}{after}'
