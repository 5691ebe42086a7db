"""Keeps the chapters in order: `python -m utils.notebooks sync | check | run | measure | new | renumber | recolour | edit | all | html | index`.

sync    copies the code that a chapter shows from its module in utils/ into the cell, or back (`sync.py`, `shown.py`)
run     executes the notebooks and keeps their outputs (`run.py`)
check   reads everything, executes nothing, and says what breaks a rule (`check.py`, `rules/`)
measure runs a chapter's long experiments and keeps the results beside its runs.py (`measure.py`)
new     writes a chapter that is small but whole, for its author to replace (`new.py`, `skeleton.py`)
renumber  gives the equations of a chapter the numbers of their order, and those who cite them (`renumber.py`)
edit    writes a chapter as one readable text, by jupytext, and takes the edits back (`edit.py`)
all     does for one chapter what all of these do, and runs its tests (`finish.py`)
recolour  gives formulas the colours that can be read as letters (`recolour.py`)
html    writes a chapter as one page that needs neither kernel nor network (`html.py`, `page.css`)
index   writes chapters/INDEX.md, the bilingual index of concepts (`index.py`)

Every command is a function of the root of the course (and paths) that gives remarks; a remark names the file and the cell.
"""
