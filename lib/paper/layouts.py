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
    """A line of a table: its label, each column's text, and whether it heads the lines below."""

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
    """A `Line` that is a heading of those below it."""
    return Line(label, [''] * columns, True)


def _aligned(layout, form, rows):
    """Rows formatted by tabulate, with the first column aligned left and the others right."""
    return tabulate.tabulate(
        rows,
        headers=['', *layout.headings],
        tablefmt=form,
        colalign=['left', *['right'] * len(layout.headings)],
        disable_numparse=True,
        preserve_whitespace=True,
    )


def _indented(layout, indent):
    """Rows of cells; if the table has heading lines, the labels of its other lines are indented."""
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
    indent = '\N{EM SPACE}'  # replaced by \quad, which tabulate would escape
    body = _aligned(layout, 'latex_booktabs', _indented(layout, indent)).replace(indent, r'\quad ')
    for text, command in LATEX.items():
        body = body.replace(text, command)
    # Without "Table 1. ", because LaTeX itself adds that.
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
    """The notes below tables as text, in any of FORMATS except CSV."""
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
