/*-------------------------------------------------------------------------
 *
 * draw.c
 *		Draws the graph: beside a list of revisions, as text, for Graphviz and
 *		for Mermaid.
 *
 * The drawing beside a list is meant to look like that of "git log --graph".
 * A rail is a vertical line that leads from revisions already shown down to a
 * parent that is still to come; rail i stands in screen column 2 * i.  A row
 * of the drawing consists of the line with the revision's mark and of the
 * lines that lead from the rails above it to the rails below it.  To get
 * there, "lines" notes for each screen column to which of the new rails the
 * line that now stands there is bound; a line is home when it stands on its
 * rail.  A mark lets go of its own rail and sends out one line per parent, and
 * the lines then move to the left, one column at a time, until all are home.
 * Lines only ever need to move left: the place of a rail is given by how many
 * different rails are to the left of it, and a line may be doubled but is
 * never lost before it is home.
 *
 * Edges to parents that are not listed, and to dependencies, are not drawn.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "graph/graph.h"
#include "graph/graph_internal.h"

/*
 * With more rails than this side by side nobody can follow a line, and the
 * connecting lines would grow with the square of their number: draw none.
 */
#define MAX_RAILS	64

/* What the last line drawn was. */
typedef enum LineKind
{
	LINE_SETTLED,				/* all lines are home */
	LINE_MERGE,					/* the line below a merge's mark */
	LINE_SLANTED				/* lines moving left */
} LineKind;

typedef struct Drawing
{
	const DbmigGraph *graph;
	const int  *place;			/* of each node in the list, or -1 */

	int		   *rails;			/* nodes that the rails lead to, left to right */
	int			nrails;
	int		   *below;			/* the same, below the current row */
	int			nbelow;

	int		   *lines;			/* per screen column: rail below, or -1 */
	int		   *moved;			/* the same, one line further down */
	int			nlines;			/* screen columns in use */

	/* the current row */
	int			node;
	int		   *parents;		/* listed parents */
	int			nparents;
	int			at;				/* rail of the mark; nrails if it opens one */
	bool		leans_left;		/* first line of a merge goes left at once? */
	int			widening;		/* rails by which a merge pushes others right;
								 * -1 if its last line joins its neighbour */

	/* what the row before left behind */
	LineKind	last_kind;
	LineKind	row_kind;		/* kind of the line above the mark */
	int			last_at;
	int			last_widening;
} Drawing;

/*
 * Return the rail below that leads to a node, adding one on the right if there
 * is none.
 */
static int
rail_below(Drawing *d, int node)
{
	int			i;

	for (i = 0; i < d->nbelow; i++)
	{
		if (d->below[i] == node)
			return i;
	}
	d->below[d->nbelow] = node;
	return d->nbelow++;
}

/*
 * Let a line that stands in the next free column lead to a node.  Right of a
 * merge whose last line is bound for the same rail, the two become one.
 */
static void
add_line(Drawing *d, int node)
{
	int			rail = rail_below(d, node);

	if (d->widening > 0 && d->lines[d->nlines - 2] == rail)
		d->widening = -1;
	else
	{
		d->lines[d->nlines] = rail;
		d->nlines += 2;
	}
}

/*
 * Send out the lines of the current mark.
 */
static void
add_parent_lines(Drawing *d)
{
	int			rail;
	int			distance;
	int			i;

	if (d->nparents == 0)
	{
		/* The rail ends here, but keeps its place for one line. */
		d->nlines += 2;
		return;
	}
	if (d->nparents == 1)
	{
		add_line(d, d->parents[0]);
		return;
	}

	/*
	 * A merge whose first parent has a rail on the left leans towards it: the
	 * first line starts below and left of the mark, and the second straight
	 * below.  Otherwise the first line goes straight and the others right.
	 */
	rail = rail_below(d, d->parents[0]);
	distance = d->at - rail;
	d->leans_left = (distance > 0);
	d->widening = d->nparents - (d->leans_left ? 2 : 1);
	if (d->leans_left)
		d->lines[d->nlines - (distance > 1 ? 2 * distance - 3 : 1)] = rail;
	else
	{
		d->lines[d->nlines] = rail;
		d->nlines += 2;
	}
	for (i = 1; i < d->nparents; i++)
		add_line(d, d->parents[i]);
}

/*
 * Begin a row: find the mark's rail, the rails below it and the lines between
 * them.
 */
static void
begin_row(Drawing *d, int node)
{
	const DbmigNode *n = &d->graph->nodes[node];
	int			i;

	d->node = node;
	d->nparents = 0;
	for (i = 0; i < n->ndown; i++)
	{
		if (d->place[n->down[i]] > d->place[node])
			d->parents[d->nparents++] = n->down[i];
	}
	for (d->at = 0; d->at < d->nrails; d->at++)
	{
		if (d->rails[d->at] == node)
			break;
	}

	d->nbelow = 0;
	d->nlines = 0;
	d->leans_left = false;
	d->widening = 0;
	d->row_kind = d->last_kind;
	for (i = 0; i < 2 * (2 * MAX_RAILS + 1); i++)
		d->lines[i] = -1;
	for (i = 0; i < d->nrails || i == d->at; i++)
	{
		if (i == d->at)
			add_parent_lines(d);
		else
			add_line(d, d->rails[i]);
	}
	while (d->nlines > 1 && d->lines[d->nlines - 1] < 0)
		d->nlines--;
}

/*
 * Tell whether every line stands on its rail.
 */
static bool
all_home(const Drawing *d)
{
	int			i;

	for (i = 0; i < d->nlines; i++)
	{
		if (d->lines[i] >= 0 && d->lines[i] != i / 2)
			return false;
	}
	return true;
}

/*
 * Append a line break without the blanks before it.
 */
static void
end_line(StringInfo out)
{
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
	appendStringInfoChar(out, '\n');
}

/*
 * Number of dashes that a mark with three or more parents needs, half as many
 * columns as the lines to its right have to give way.
 */
static int
dashes(const Drawing *d)
{
	return d->nparents > 2 ? d->nparents - (d->leans_left ? 3 : 2) : 0;
}

/*
 * Draw the lines above a mark that make room for its dashes.
 */
static void
draw_widening(Drawing *d, StringInfo out)
{
	int			row;
	int			i;

	if (d->at >= d->nrails - 1)
		return;
	for (row = 0; row < 2 * dashes(d); row++)
	{
		for (i = 0; i < d->nrails; i++)
		{
			bool		slants = i > d->at;

			/* Lines that a merge just pushed right are still going there. */
			if (row == 0)
				slants = slants && d->row_kind == LINE_MERGE && i > d->last_at;
			appendStringInfoChar(out, slants ? '\\' : '|');
			if (i == d->at)
				appendStringInfoSpaces(out, row);
			appendStringInfoChar(out, ' ');
		}
		end_line(out);
		d->row_kind = LINE_SETTLED;
	}
}

/*
 * Draw the line with the mark, without a line break, padded to the width that
 * git leaves.
 */
static void
draw_mark(Drawing *d, StringInfo out)
{
	int			start = out->len;
	int			rails = d->nrails + Max(d->nparents, 1);
	int			i;
	int			j;

	for (i = 0; i < d->nrails || i == d->at; i++)
	{
		char		c = '|';

		if (i == d->at)
		{
			appendStringInfoChar(out, '*');
			for (j = dashes(d); j > 0; j--)
				appendStringInfoString(out, j > 1 ? "--" : "-.");
			appendStringInfoChar(out, ' ');
			continue;
		}
		if (i > d->at && d->widening > 1)
			c = '\\';
		else if (i > d->at && d->widening == 1)
		{
			/* One merge below another keeps pushing the same lines. */
			if (d->row_kind == LINE_MERGE && d->last_widening > 0 &&
				i > d->last_at)
				c = '\\';
		}
		else if (d->row_kind == LINE_SLANTED && d->moved[2 * i + 1] == i &&
				 d->lines[2 * i] >= 0 && d->lines[2 * i] < i)
		{
			/* A line that came here slanting and goes on slanting. */
			c = '/';
		}
		appendStringInfoChar(out, c);
		appendStringInfoChar(out, ' ');
	}

	/* A mark on a rail of its own takes a place already counted. */
	if (d->at < d->nrails)
		rails--;
	if (out->len - start < 2 * rails)
		appendStringInfoSpaces(out, 2 * rails - (out->len - start));
}

/*
 * Draw the line below the mark of a merge.
 */
static void
draw_merge(Drawing *d, StringInfo out)
{
	bool		over_first = false; /* right of the first parent's rail? */
	int			i;
	int			j;

	for (i = 0; i < d->nrails || i == d->at; i++)
	{
		if (i == d->at)
		{
			if (d->leans_left)
				appendStringInfoString(out, "/|");
			else
				appendStringInfoString(out, "|\\");
			for (j = 2; j < d->nparents; j++)
				appendStringInfoString(out, d->leans_left && j == 2 ? "\\" : " \\");
			if (d->widening >= 0)
				appendStringInfoChar(out, ' ');
		}
		else if (i > d->at)
			appendStringInfoString(out, d->widening > 0 ? "\\ " : "| ");
		else
		{
			appendStringInfoChar(out, '|');
			/* The line leaning left needs the column before the mark. */
			if (!d->leans_left || i != d->at - 1)
				appendStringInfoChar(out, over_first ? '_' : ' ');
		}
		if (i < d->nrails && d->rails[i] == d->parents[0])
			over_first = true;
	}
	end_line(out);
}

/*
 * Move the lines that are not home one step to the left, and draw them.
 *
 * The first line that moves may take a run along the ground, drawn as "_", if
 * its rail is far away.  Others follow column by column; a line that meets one
 * bound for another rail crosses over it.
 */
static void
draw_slanted(Drawing *d, StringInfo out)
{
	int			runner = -1;	/* column where the run begins */
	int			run_rail = -1;	/* rail to which it leads */
	bool		running = false;
	int		   *swap = d->moved;
	int			i;
	int			j;

	d->moved = d->lines;
	d->lines = swap;
	for (i = 0; i < d->nlines; i++)
		d->lines[i] = -1;

	for (i = 0; i < d->nlines; i++)
	{
		int			rail = d->moved[i];
		int			column;

		if (rail < 0)
			continue;
		if (2 * rail == i)
		{
			d->lines[i] = rail;
			continue;
		}
		if (d->lines[i - 1] == rail)
			continue;			/* joins the line on its left */
		column = d->lines[i - 1] < 0 ? i - 1 : i - 2;
		d->lines[column] = rail;
		if (runner < 0)
		{
			runner = column + 1;
			run_rail = rail;
			for (j = 2 * rail + 3; j < i - 2; j += 2)
				d->lines[j] = rail;
		}
	}
	memcpy(d->moved, d->lines, sizeof(int) * d->nlines);
	if (d->lines[d->nlines - 1] < 0)
		d->nlines--;

	for (i = 0; i < d->nlines; i++)
	{
		int			rail = d->lines[i];
		char		c;

		if (rail < 0)
			c = ' ';
		else if (2 * rail == i)
			c = '|';
		else if (rail == run_rail && i != runner - 1)
		{
			/* Of the whole run only its far end goes on. */
			if (i != 2 * rail + 3)
				d->lines[i] = -1;
			running = true;
			c = '_';
		}
		else
		{
			if (running && i < runner)
				d->lines[i] = -1;
			c = '/';
		}
		appendStringInfoChar(out, c);
	}
	end_line(out);
}

/*
 * Draw the rest of a row and make the rails below it those of the next.
 */
static void
end_row(Drawing *d, StringInfo out)
{
	int		   *swap = d->rails;

	d->last_kind = LINE_SETTLED;
	d->last_at = d->at;
	d->last_widening = d->widening;
	if (d->nparents > 1)
	{
		draw_merge(d, out);
		d->last_kind = LINE_MERGE;
	}
	while (!all_home(d))
	{
		CHECK_FOR_INTERRUPTS();
		draw_slanted(d, out);
		d->last_kind = LINE_SLANTED;
	}
	d->rails = d->below;
	d->nrails = d->nbelow;
	d->below = swap;
}

/*
 * Tell whether a list of nodes can be drawn with at most MAX_RAILS lines side
 * by side.
 */
static bool
is_drawable(const DbmigGraph *graph, const int *place, const int *nodes, int n)
{
	bool	   *awaited = (bool *) palloc0(sizeof(bool) * Max(graph->n, 1));
	int			nawaited = 0;
	bool		result = true;
	int			i;
	int			j;

	for (i = 0; i < n && result; i++)
	{
		const DbmigNode *node = &graph->nodes[nodes[i]];

		CHECK_FOR_INTERRUPTS();
		if (awaited[nodes[i]])
			nawaited--;
		awaited[nodes[i]] = false;
		for (j = 0; j < node->ndown; j++)
		{
			if (place[node->down[j]] > place[nodes[i]] &&
				!awaited[node->down[j]])
			{
				awaited[node->down[j]] = true;
				nawaited++;
			}
		}
		result = nawaited <= MAX_RAILS && node->ndown <= MAX_RAILS;
	}
	pfree(awaited);
	return result;
}

/*
 * Draw a list of nodes.  The result has two strings per node, the line with
 * its mark, padded, and the lines below it, each with a line break before.
 */
static char **
draw_rows(const DbmigGraph *graph, const int *nodes, int n)
{
	char	  **rows = (char **) palloc(sizeof(char *) * Max(2 * n, 1));
	int		   *place = (int *) palloc(sizeof(int) * Max(graph->n, 1));
	Drawing		d;
	StringInfoData above;		/* lines between the last mark and this one */
	StringInfoData mark;
	int			i;

	for (i = 0; i < graph->n; i++)
		place[i] = -1;
	for (i = 0; i < n; i++)
		place[nodes[i]] = i;

	if (!is_drawable(graph, place, nodes, n))
	{
		for (i = 0; i < n; i++)
		{
			rows[2 * i] = pstrdup("* ");
			rows[2 * i + 1] = pstrdup("");
		}
		return rows;
	}

	/* A row can have the rails above and the mark's lines side by side. */
	memset(&d, 0, sizeof(d));
	d.graph = graph;
	d.place = place;
	d.rails = (int *) palloc(sizeof(int) * (2 * MAX_RAILS + 1));
	d.below = (int *) palloc(sizeof(int) * (2 * MAX_RAILS + 1));
	d.parents = (int *) palloc(sizeof(int) * MAX_RAILS);
	d.lines = (int *) palloc(sizeof(int) * 2 * (2 * MAX_RAILS + 1));
	d.moved = (int *) palloc(sizeof(int) * 2 * (2 * MAX_RAILS + 1));
	for (i = 0; i < 2 * (2 * MAX_RAILS + 1); i++)
		d.moved[i] = -1;
	d.last_kind = LINE_SETTLED;

	initStringInfo(&above);
	initStringInfo(&mark);
	for (i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		begin_row(&d, nodes[i]);
		draw_widening(&d, &above);
		if (i > 0)
		{
			/* Turn the line breaks behind the lines into such before them. */
			if (above.len > 0)
				above.data[--above.len] = '\0';
			rows[2 * i - 1] = above.len > 0 ? psprintf("\n%s", above.data) :
				pstrdup("");
		}
		resetStringInfo(&above);
		resetStringInfo(&mark);
		draw_mark(&d, &mark);
		rows[2 * i] = pstrdup(mark.data);
		end_row(&d, &above);
	}
	if (n > 0)
		rows[2 * n - 1] = pstrdup("");
	return rows;
}

/*
 * Draw a list of nodes, newest first.  Returns a text for each: a line with
 * its mark, and after a line break each the lines that lead on to the next.
 * Nothing tells applied nodes from others here.
 */
char **
dbmig_graph_draw(const DbmigGraph *graph, const int *nodes, int n,
				 const bool *applied)
{
	char	  **rows = draw_rows(graph, nodes, n);
	char	  **result = (char **) palloc(sizeof(char *) * Max(n, 1));
	int			i;

	(void) applied;
	for (i = 0; i < n; i++)
	{
		char	   *mark = rows[2 * i];
		size_t		len = strlen(mark);

		while (len > 0 && mark[len - 1] == ' ')
			mark[--len] = '\0';
		result[i] = psprintf("%s%s", mark, rows[2 * i + 1]);
	}
	return result;
}

/*
 * Append a comma and a blank unless the list has just begun.
 */
static void
append_separator(StringInfo out, int start)
{
	if (out->len > start)
		appendStringInfoString(out, ", ");
}

/*
 * Append what there is to say about a node in parentheses: its place in the
 * graph and whether it is applied.
 */
static void
append_notes(StringInfo out, const DbmigGraph *graph, int node,
			 const bool *applied, const bool *current)
{
	const DbmigNode *n = &graph->nodes[node];
	StringInfoData notes;
	int			i;

	initStringInfo(&notes);
	if (n->nchildren == 0 && n->nusers == 0)
		appendStringInfoString(&notes, "head");
	if (applied[node])
	{
		append_separator(&notes, 0);
		appendStringInfoString(&notes, current[node] ? "current" : "applied");
	}
	if (n->nchildren > 1)
	{
		append_separator(&notes, 0);
		appendStringInfoString(&notes, "branch point");
	}
	if (n->ndown > 1)
	{
		append_separator(&notes, 0);
		appendStringInfoString(&notes, "merge point");
	}
	for (i = 0; i < n->ndeps; i++)
	{
		if (i == 0)
		{
			append_separator(&notes, 0);
			appendStringInfoString(&notes, "depends on ");
		}
		else
			appendStringInfoString(&notes, " and ");
		appendStringInfoString(&notes, graph->nodes[n->deps[i]].id);
	}
	if (notes.len > 0)
		appendStringInfo(out, " (%s)", notes.data);
	pfree(notes.data);
}

/*
 * Append a node's own labels in brackets.
 */
static void
append_labels(StringInfo out, const DbmigNode *node)
{
	int			i;

	for (i = 0; i < node->nlabels; i++)
		appendStringInfo(out, "%s%s", i == 0 ? " [" : ", ", node->labels[i]);
	if (node->nlabels > 0)
		appendStringInfoChar(out, ']');
}

/*
 * Return the whole graph as text, newest first: one line per revision, and the
 * lines of the drawing that connect them.  messages is parallel to the nodes.
 */
char *
dbmig_graph_text(const DbmigGraph *graph, const bool *applied,
				 const char *const *messages)
{
	bool	   *all = (bool *) palloc(sizeof(bool) * Max(graph->n, 1));
	bool	   *current = (bool *) palloc0(sizeof(bool) * Max(graph->n, 1));
	int		   *maximal;
	int			nmaximal;
	int		   *nodes;
	int			n;
	char	  **rows;
	StringInfoData out;
	int			i;

	maximal = dbmig_graph_maximal(graph, applied, &nmaximal);
	for (i = 0; i < nmaximal; i++)
		current[maximal[i]] = true;

	memset(all, true, sizeof(bool) * graph->n);
	nodes = dbmig_graph_newest_first(graph, all, &n);
	rows = draw_rows(graph, nodes, n);

	initStringInfo(&out);
	for (i = 0; i < n; i++)
	{
		const DbmigNode *node = &graph->nodes[nodes[i]];
		const char *message = messages[nodes[i]];

		CHECK_FOR_INTERRUPTS();
		if (i > 0)
			appendStringInfoChar(&out, '\n');
		appendStringInfo(&out, "%s%s", rows[2 * i], node->id);
		append_labels(&out, node);
		append_notes(&out, graph, nodes[i], applied, current);
		if (message != NULL && message[0] != '\0')
			appendStringInfo(&out, " %s", message);
		appendStringInfoString(&out, rows[2 * i + 1]);
	}
	return out.data;
}

/*
 * Append text that stands between double quotes in Graphviz's language.
 */
static void
append_dot_text(StringInfo out, const char *text)
{
	for (; *text != '\0'; text++)
	{
		if (*text == '"' || *text == '\\')
			appendStringInfoChar(out, '\\');
		if ((unsigned char) *text < ' ')
			appendStringInfoChar(out, ' ');
		else
			appendStringInfoChar(out, *text);
	}
}

/*
 * Append text that stands between double quotes in Mermaid's language, which
 * knows no escapes but character codes.
 */
static void
append_mermaid_text(StringInfo out, const char *text)
{
	for (; *text != '\0'; text++)
	{
		if (strchr("\"#&;<>`\\", *text) != NULL)
			appendStringInfo(out, "#%d;", *text);
		else if ((unsigned char) *text < ' ')
			appendStringInfoChar(out, ' ');
		else
			appendStringInfoChar(out, *text);
	}
}

/*
 * Return the whole graph in Graphviz's language.  messages is parallel to the
 * nodes.
 */
char *
dbmig_graph_dot(const DbmigGraph *graph, const bool *applied,
				const char *const *messages)
{
	StringInfoData out;
	StringInfoData labels;
	int			i;
	int			j;

	initStringInfo(&out);
	initStringInfo(&labels);
	appendStringInfoString(&out, "digraph \"");
	append_dot_text(&out, graph->project);
	appendStringInfoString(&out, "\" {\n\trankdir=BT;\n\tnode [shape=box];\n");

	for (i = 0; i < graph->n; i++)
	{
		const DbmigNode *node = &graph->nodes[graph->sorted[i]];
		const char *message = messages[graph->sorted[i]];

		CHECK_FOR_INTERRUPTS();
		appendStringInfo(&out, "\t\"%s\" [label=\"%s", node->id, node->id);
		resetStringInfo(&labels);
		append_labels(&labels, node);
		append_dot_text(&out, labels.data);
		if (message != NULL && message[0] != '\0')
		{
			appendStringInfoString(&out, "\\n");
			append_dot_text(&out, message);
		}
		appendStringInfoChar(&out, '"');
		if (applied[graph->sorted[i]])
			appendStringInfoString(&out, ", style=filled, fillcolor=palegreen");
		appendStringInfoString(&out, "];\n");
	}
	for (i = 0; i < graph->n; i++)
	{
		const DbmigNode *node = &graph->nodes[graph->sorted[i]];

		CHECK_FOR_INTERRUPTS();
		for (j = 0; j < node->ndown; j++)
			appendStringInfo(&out, "\t\"%s\" -> \"%s\";\n",
							 graph->nodes[node->down[j]].id, node->id);
		for (j = 0; j < node->ndeps; j++)
			appendStringInfo(&out, "\t\"%s\" -> \"%s\" [style=dashed];\n",
							 graph->nodes[node->deps[j]].id, node->id);
	}
	appendStringInfoString(&out, "}");
	return out.data;
}

/*
 * Return the whole graph in Mermaid's language.  messages is parallel to the
 * nodes.
 *
 * Identifiers may hold what Mermaid's own names may not, so that nodes are
 * named by numbers.
 */
char *
dbmig_graph_mermaid(const DbmigGraph *graph, const bool *applied,
					const char *const *messages)
{
	StringInfoData out;
	StringInfoData labels;
	int			i;
	int			j;

	initStringInfo(&out);
	initStringInfo(&labels);
	appendStringInfoString(&out, "flowchart BT");

	for (i = 0; i < graph->n; i++)
	{
		const DbmigNode *node = &graph->nodes[graph->sorted[i]];
		const char *message = messages[graph->sorted[i]];

		CHECK_FOR_INTERRUPTS();
		appendStringInfo(&out, "\n\tn%d[\"%s", i, node->id);
		resetStringInfo(&labels);
		append_labels(&labels, node);
		append_mermaid_text(&out, labels.data);
		if (message != NULL && message[0] != '\0')
		{
			appendStringInfoString(&out, "<br/>");
			append_mermaid_text(&out, message);
		}
		appendStringInfoString(&out, "\"]");
		if (applied[graph->sorted[i]])
			appendStringInfoString(&out, ":::applied");
	}
	for (i = 0; i < graph->n; i++)
	{
		const DbmigNode *node = &graph->nodes[graph->sorted[i]];

		CHECK_FOR_INTERRUPTS();
		for (j = 0; j < node->ndown; j++)
			appendStringInfo(&out, "\n\tn%d --> n%d",
							 graph->nodes[node->down[j]].order, i);
		for (j = 0; j < node->ndeps; j++)
			appendStringInfo(&out, "\n\tn%d -.-> n%d",
							 graph->nodes[node->deps[j]].order, i);
	}
	appendStringInfoString(&out, "\n\tclassDef applied fill:#98fb98");
	return out.data;
}
