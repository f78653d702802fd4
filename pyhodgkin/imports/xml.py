"""XML as elements with their lines; documents with a DTD or entities are refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from .source import Source

MOST_DEPTH, MOST_ELEMENTS = 50, 50_000


@dataclass
class Element:
    """A tag without its namespace, its attributes, its children, its line."""

    source: Source
    tag: str
    attributes: dict[str, str]
    line: int
    children: list[Element] = field(default_factory=list)

    def get(self, name: str) -> str | None:
        return self.attributes.get(name)

    def need(self, name: str) -> str:
        """An attribute that has to be there."""
        if name not in self.attributes:
            self.refuse(f"has no attribute {name}")
        return self.attributes[name]

    def refuse(self, why: str) -> NoReturn:
        self.source.refuse(self.line, why)

    def all(self, tag: str) -> list[Element]:
        return [x for x in self.walk() if x.tag == tag]

    def walk(self) -> Iterator[Element]:
        yield self
        for child in self.children:
            yield from child.walk()


def tree_of(source: Source) -> Element:
    """The root of an XML document.

    Examples
    --------
    >>> tree_of(Source("a.nml", "<a><b c='1'/></a>")).children[0].attributes
    {'c': '1'}
    """
    parser = expat.ParserCreate("utf-8")
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    top = Element(source, "", {}, 1)
    stack, count = [top], 0

    def refuse(*_: object) -> NoReturn:
        source.refuse(parser.CurrentLineNumber, "declares a document type, which is not read")

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(stack) > MOST_DEPTH or count > MOST_ELEMENTS:
            source.refuse(parser.CurrentLineNumber, "is nested too deeply, or one too many")
        names = {name.rpartition(":")[2]: value for name, value in attributes.items()}
        element = Element(source, tag.rpartition(":")[2], names, parser.CurrentLineNumber)
        stack[-1].children.append(element)
        stack.append(element)

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: stack.pop()
    try:
        parser.Parse(source.text.encode(), True)
    except expat.ExpatError as error:
        source.refuse(error.lineno, f"is no XML: {expat.ErrorString(error.code)}")
    return top.children[0]
