"""Tables as text, Markdown or LaTeX, whatever they are about."""
import re
import textwrap
from typing import NamedTuple

import tabulate

FORMATS = ('text', 'markdown', 'latex', 'csv')
SHORT = '*'  # marks a number from runs shorter than the paper's
NOTE_WIDTH = 100
INDENT = '  '
LATEX = {'±': r'$\pm$', 'x1e-3': r'$\times 10^{-3}$', ' x ': r' $\times$ '}


class Line(NamedTuple):
    """A line of a table: its label, the text of each column, and whether it heads those below."""

    label: str
    cells: list
    is_heading: bool = False


class Layout(NamedTuple):
    """A table as people read it.

    title: one sentence.
    headings: of its columns.
    lines: list of `Line`.
    """

    title: str
    headings: list
    lines: list


def heading(label, columns):
    """A `Line` that heads those below it."""
    return Line(label, [''] * columns, True)


def _aligned(layout, form, rows):
    """What tabulate makes of rows whose first column is on the left, the others on the right."""
    return tabulate.tabulate(
        rows,
        headers=['', *layout.headings],
        tablefmt=form,
        colalign=['left', *['right'] * len(layout.headings)],
        disable_numparse=True,
        preserve_whitespace=True,
    )


def _indented(layout, indent):
    """Rows of cells, whose labels are indented where there are headings above them."""
    indent = indent if any(line.is_heading for line in layout.lines) else ''
    return [
        [line.label if line.is_heading else indent + line.label, *line.cells]
        for line in layout.lines
    ]


def to_text(layout):
    """A table as aligned text."""
    lines = _aligned(layout, 'plain', _indented(layout, INDENT)).splitlines()
    return '\n'.join([layout.title, '', *map(str.rstrip, lines)])


def to_markdown(layout):
    """A table for a README."""
    rows = [
        [f'**{line.label}**' if line.is_heading else line.label, *map(_marked, line.cells)]
        for line in layout.lines
    ]
    return f'**{layout.title}**\n\n{_aligned(layout, "pipe", rows)}'


def _marked(text):
    return text.replace(SHORT, rf'\{SHORT}')


def to_latex(layout):
    """A table for a paper; needs the package booktabs."""
    indent = '\N{EM SPACE}'  # becomes \quad: tabulate escapes commands
    body = _aligned(layout, 'latex_booktabs', _indented(layout, indent)).replace(indent, r'\quad ')
    for text, command in LATEX.items():
        body = body.replace(text, command)
    # "Table 1. " is what LaTeX itself puts there.
    caption = re.sub(r'[%_&#${}]', r'\\\g<0>', layout.title.split('. ', 1)[-1])
    return '\n'.join(
        [
            r'\begin{table}',
            rf'  \caption{{{caption}}}',
            r'  \centering\small',
            textwrap.indent(body, '  '),
            r'\end{table}',
        ]
    )


def notes(format, sentences):
    """Notes below tables, in one of FORMATS but CSV."""
    if format == 'text':
        sentences = [
            textwrap.fill(note, NOTE_WIDTH, subsequent_indent=INDENT) for note in sentences
        ]
    elif format == 'markdown':
        sentences = [f'- {_marked(note)}' for note in sentences]
    else:
        sentences = [f'% {note}' for note in sentences]
    return '\n'.join(sentences)


RENDERERS = {'text': to_text, 'markdown': to_markdown, 'latex': to_latex}
