/* What the two files of the formatter share. */
#ifndef SCENARIO_FMT_H
#define SCENARIO_FMT_H

#include "node.h"

struct fmt_node {
	enum node_kind fn_kind;
	const char *fn_text;		  /* scalar */
	const char *fn_anchor, *fn_alias; /* NULL */
	bool fn_plain;			  /* scalar without quotes */
	bool fn_block;			  /* | or > */
	bool fn_flow;			  /* {} or [] */
	unsigned fn_line;	 /* of the source, from 0: where it begins */
	unsigned fn_last;	 /* and ends; of a block's collection: begins */
	struct fmt_node *fn_key; /* of a map's child */
	struct fmt_node *fn_child, *fn_next;
};

struct fmt_line {
	size_t fl_start;	/* byte */
	const char *fl_comment; /* NULL: none */
	size_t fl_comment_len;
	bool fl_whole; /* the comment is all of the line */
	bool fl_blank;
};

struct fmt_range {
	size_t fr_from, fr_to;
};

struct fmt_text {
	const char *ft_text;
	size_t ft_len;
	struct fmt_line *ft_lines; /* and one behind, at the end */
	unsigned ft_nlines;
	struct fmt_range *ft_scalars; /* bytes, in order */
	unsigned ft_nscalars, ft_size;
	const char *ft_tag; /* the first explicit tag, such as !!str; NULL */
	unsigned ft_tag_line;
	struct fmt_node *ft_root;
	struct arena ft_arena;
};

/* Of a text that the loader's parser has accepted. False: it is not YAML. */
bool fmt_read(struct fmt_text *);
void fmt_fini(struct fmt_text *);

#endif
