"""Quizzes, the detective's board and the cards of exercises: answered, opened, looked at."""

from .looking import look

WAIT = 10_000  # ms
# the cards that Python writes are HTML with a bar at their left
WRITTEN = ".jp-RenderedHTML > div[style*='border-left']"
REPLY = "root => root.querySelector('.card-answer')?.textContent.trim() ?? ''"
UNANSWERED = "root => root.querySelector('.card-todo')?.textContent.trim() ?? ''"


def answer_quiz(page, root, visit):
    """Look at what it covers, send it empty, then every option in turn, or some numbers; each must be told something."""
    visit.kind, visit.title = "quiz", root.query_selector("legend").inner_text()[:60]
    look(page, root, visit.complaints, "as opened")
    look_at_cover(page, root, visit)
    submit = root.query_selector("button[type=submit]")
    radios = root.query_selector_all("input[type=radio]")
    answered = root.evaluate("root => root.querySelector('.card-answer').textContent !== ''")
    if not answered:
        submit.click()
        if not root.evaluate(UNANSWERED):
            visit.complaints.add("dead", "an empty answer is told nothing")
    field = root.query_selector("input[type=text]")
    for answer in radios or ("1e9", "-1", "1/4", "0.25"):
        if radios:
            answer.check()
            submit.click()
        else:
            field.fill(answer)
            field.press("Enter")
        if not root.evaluate(REPLY) or root.evaluate(UNANSWERED):
            visit.complaints.add("dead", "an answer is told nothing")
        look(page, root, visit.complaints, "answered")
    uncover(page, root, visit)


def look_at_cover(page, root, visit):
    """The cover of a picture is seen before the picture; axes on it take a sketch."""
    cover = root.evaluate_handle("root => root.parentElement.querySelector('.card-cover')").as_element()
    if not cover:
        return
    look(page, cover, visit.complaints, "covered")
    pad = cover.query_selector(".marks-sketch")
    if pad:
        before = pad.inner_html()
        pad.press("ArrowUp")
        pad.press("ArrowRight")
        if pad.inner_html() == before:
            visit.complaints.add("dead", "the empty axes take no sketch")


def uncover(page, root, visit):
    """The picture behind a quiz must be there when the quiz is answered."""
    still = "root => !root.closest('.jp-OutputArea-output, body').querySelector('.card-cover')"
    try:
        page.wait_for_function(still, arg=root, timeout=WAIT)
    except Exception as error:
        visit.complaints.add("dead", f"the picture stays covered: {str(error).splitlines()[0]}")


def play_board(page, root, visit):
    """A probe, a measurement, an accusation; each must be told something in the log."""
    visit.kind, visit.title = "board", root.query_selector("strong").inner_text()
    look(page, root, visit.complaints, "as opened")

    def tell(button, what):
        before = root.evaluate("root => root.querySelector('.card-log').children.length")
        button.click()
        more = "([root, before]) => root.querySelector('.card-log').children.length > before"
        try:
            page.wait_for_function(more, arg=[root, before], timeout=WAIT)
        except Exception:
            visit.complaints.add("dead", f"{what} is told nothing")

    for button in root.query_selector_all(".card-row button:not([class])"):
        button.click()
    for button in root.query_selector_all(".card-ask"):
        tell(button, f"the button {button.inner_text()!r}")
    root.query_selector("input[type=radio]").check()
    tell(root.query_selector(".card-accuse"), "an accusation")
    look(page, root, visit.complaints, "played")


def open_card(page, root, visit):
    """A card that Python has written: everything unfolded, then looked at."""
    visit.kind, visit.title = "card", root.inner_text().strip().split("\n")[0][:60]
    root.evaluate("root => root.querySelectorAll('details').forEach((one) => (one.open = true))")
    look(page, root, visit.complaints, "as opened")
