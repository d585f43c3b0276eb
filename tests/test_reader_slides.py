"""PowerPoint files: a section a slide, with bullets, tables, code, formulas and notes."""

import io
import re
from typing import Any

import pytest
from lxml import etree
from pptx import Presentation
from pptx.util import Inches

from retrieval.errors import UnreadableFile
from retrieval.passage import Document
from retrieval.sources.omml import latex_of
from retrieval.sources.slides import read_slides

MATH = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
TITLE_AND_BODY, TITLE_ONLY, BLANK = 1, 5, 6


@pytest.fixture
def deck() -> Any:
    return Presentation()


def add(deck: Any, title: str, *lines: str) -> Any:
    slide = deck.slides.add_slide(deck.slide_layouts[TITLE_AND_BODY])
    slide.shapes.title.text = title
    frame = slide.placeholders[1].text_frame
    frame.text = lines[0] if lines else ""
    for line in lines[1:]:
        paragraph = frame.add_paragraph()
        paragraph.level = len(line) - len(line.lstrip())
        paragraph.text = line.strip()
    return slide


def box(slide: Any, text: str) -> Any:
    shape = slide.shapes.add_textbox(Inches(1), Inches(1), Inches(4), Inches(1))
    shape.text_frame.text = text
    return shape


def read(deck: Any) -> Document:
    saved = io.BytesIO()
    deck.save(saved)
    return read_slides("slides/05-heuristic_search.pptx", saved.getvalue())


def test_each_slide_is_a_section_with_its_number_and_title(deck: Any) -> None:
    add(deck, "Search", "One line only")
    add(deck, "Heuristics", "Admissible", " never too high", "Consistent")
    add(deck, "Questions?")
    page = read(deck)
    assert page.title == "Search"
    assert [(section.headings, section.locator.page) for section in page.sections] == [((), 1), (("Heuristics",), 2)]
    assert page.sections[0].text == "One line only"
    assert page.sections[1].text == "- Admissible\n  - never too high\n- Consistent"


def test_tables_groups_and_notes_are_read(deck: Any) -> None:
    slide = add(deck, "Costs", "See below")
    table = slide.shapes.add_table(2, 2, Inches(1), Inches(1), Inches(4), Inches(1)).table
    for row, cells in enumerate((("name", "cost"), ("A|B", "two\nlines"))):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "Inside a group"
    slide.notes_slide.notes_text_frame.text = "Ask the class first."
    assert read(deck).sections[0].text == (
        "See below\n\n| name | cost |\n| --- | --- |\n| A\\|B | two lines |\n\n"
        "Inside a group\n\nNotes: Ask the class first."
    )


def test_hidden_slides_may_hold_solutions_and_are_left_out(deck: Any) -> None:
    add(deck, "Exercise", "Find the path.")
    add(deck, "Solution", "A, C, D.").element.set("show", "0")
    assert [section.locator.page for section in read(deck).sections] == [1]


def test_text_in_a_font_for_code_is_a_fence(deck: Any) -> None:
    shape = box(add(deck, "Code", "Run:"), "for x in xs:\n    print(x)")
    for paragraph in shape.text_frame.paragraphs:
        for run in paragraph.runs:
            run.font.name = "Consolas"
    assert read(deck).sections[0].text == "Run:\n\n```\nfor x in xs:\n    print(x)\n```"


def test_formulas_come_out_as_latex(deck: Any) -> None:
    shape = box(add(deck, "Formula", "Given"), "where ")
    formula = etree.fromstring(
        f'<a14:m xmlns:a14="http://schemas.microsoft.com/office/drawing/2010/main" {MATH}><m:oMath>'
        "<m:sSub><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sub><m:r><m:t>i</m:t></m:r></m:sub></m:sSub></m:oMath></a14:m>"
    )
    shape.text_frame.paragraphs[0]._p.append(formula)
    assert read(deck).sections[0].text == "Given\n\nwhere $x_{i}$"


@pytest.mark.parametrize(
    ("inner", "latex"),
    [
        ("<m:f><m:num>R1</m:num><m:den>R2</m:den></m:f>", r"\frac{1}{2}"),
        ("<m:rad><m:deg/><m:e>Rx</m:e></m:rad>", r"\sqrt{x}"),
        ("<m:sSubSup><m:e>Rx</m:e><m:sub>Ri</m:sub><m:sup>R2</m:sup></m:sSubSup>", r"x_{i}^{2}"),
        (
            '<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr><m:sub>Ri</m:sub><m:sup>Rn</m:sup><m:e>Rx</m:e></m:nary>',
            r"\sum_{i}^{n} x",
        ),
        (
            '<m:d><m:dPr><m:begChr m:val="["/><m:endChr m:val="]"/></m:dPr><m:e><m:d><m:e>Rx</m:e></m:d></m:e></m:d>',
            r"\left[ \left( x \right) \right]",
        ),
        ('<m:acc><m:accPr><m:chr m:val="&#x303;"/></m:accPr><m:e>Ry</m:e></m:acc>', r"\tilde{y}"),
        ("<m:func><m:fName>Rlog</m:fName><m:e>Rx</m:e></m:func>", r"\log x"),
        (
            "<m:m><m:mr><m:e>Ra</m:e><m:e>Rb</m:e></m:mr><m:mr><m:e>Rc</m:e><m:e>Rd</m:e></m:mr></m:m>",
            r"\begin{matrix} a & b \\ c & d \end{matrix}",
        ),
        ("<m:unknown>Rz</m:unknown>", "z"),
    ],
)
def test_office_formulas_become_latex(inner: str, latex: str) -> None:
    runs = re.sub(r"R(\w+)", r"<m:r><m:t>\1</m:t></m:r>", inner)
    element = etree.fromstring(f"<m:oMathPara {MATH}><m:oMath>{runs}</m:oMath></m:oMathPara>")
    assert latex_of(element) == f"$${latex}$$"


def test_the_title_of_the_file_is_used_unless_a_program_put_it_there(deck: Any) -> None:
    add(deck, "First slide", "Text")
    assert read(deck).title == "First slide"  # not "PowerPoint Presentation"
    deck.core_properties.title = "Week 5: informed search"
    assert read(deck).title == "Week 5: informed search"


def test_a_deck_without_titles_is_named_by_its_file(deck: Any) -> None:
    box(deck.slides.add_slide(deck.slide_layouts[BLANK]), "Only a box of text")
    assert read(deck).title == "Heuristic search"


def test_pictures_only_say_so(deck: Any) -> None:
    deck.slides.add_slide(deck.slide_layouts[BLANK])
    with pytest.raises(UnreadableFile, match="only pictures"):
        read(deck)


def test_what_is_no_pptx_says_why(deck: Any) -> None:
    add(deck, "T", "Text")
    saved = io.BytesIO()
    deck.save(saved)
    for data, reason in [
        (b"", "not a .pptx file"),
        (b"plain text", "not a .pptx file"),
        (saved.getvalue()[:-3000], "not a .pptx file, or cut off"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "password"),
    ]:
        with pytest.raises(UnreadableFile, match=reason):
            read_slides("a.pptx", data)
