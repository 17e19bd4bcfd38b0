/* Which cells of a matrix are tried. */
#ifndef SCENARIO_COVER_H
#define SCENARIO_COVER_H

#include <stdint.h>

#include <ktsim/sim/scenario.h>

#define COVER_MAX_PRODUCT 1000000 /* combinations that are looked at */

/* A cell is a number: the index of each axis's value, the last axis fastest. */
uint64_t cover_product(const struct sc_matrix *); /* UINT64_MAX: too many */
/* Of cell: the index of the value of axis i. */
unsigned cover_value(const struct sc_matrix *, uint64_t cell, unsigned i);
/* The item of `exclude` that leaves out the cell of these values, one for each
 * axis; NULL: none does. */
const struct sc_cell *cover_excluded(const struct sc_matrix *,
    const char *const *values);
/*
 * The cells, ascending, that are not excluded: all of them, or with a strength
 * t few of them, in which every combination of values of t axes that some cell
 * may have is there. The product is at most COVER_MAX_PRODUCT. The array is
 * the caller's to free.
 */
uint64_t *cover_cells(const struct sc_matrix *, unsigned *n);

#endif
