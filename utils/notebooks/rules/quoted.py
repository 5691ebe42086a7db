"""Rules about numbers in the prose: each names its source, and the source holds it, digit by digit."""

from utils.notebooks.quotes import GIVEN, marks, quantities, supported


def quoted_numbers(chapter, course):
    if chapter.number is None:
        return
    for number, document in chapter.documents.items():
        cell = chapter.notebook.cells[number - 1]
        if not isinstance(cell.metadata.get("quotes", {}), dict):
            yield chapter.remark("its metadata quotes must map a number to its source", number)
            continue
        there, sources = quantities(document, course.equations), marks(cell)
        for quantity in there:
            if quantity not in sources:
                how = "run quote, or say where it is from"
                if f"({quantity})" in document.text:
                    how = f"if the equation ({quantity}) is meant, there is none; else {how}"
                yield chapter.remark(f"{quantity} names no source; {how}", number)
        for quantity, where in sources.items():
            if quantity not in there:
                yield chapter.remark(
                    f"a source is named for {quantity}, which the text does not hold", number
                )
            elif where == GIVEN:
                continue
            elif (found := supported(chapter, course.root, quantity, where)) is None:
                yield chapter.remark(f"the source {where} of {quantity} does not exist", number)
            elif not found:
                yield chapter.remark(
                    f"its source {where} does not hold {quantity}; which of them is right?", number
                )
