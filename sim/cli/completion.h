/* What the completions for the shells share. */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include "cli.h"

/* "scenario", "defect": of functions and branches of a shell. */
const char *completion_kind(enum words);
/* Call fn with each option of the command, then those of every command. */
typedef void option_fn(void *arg, const struct command *,
    const struct cli_option *);
void completion_options(const struct command *, option_fn *, void *arg);
/* Can its value be the next word? */
bool completion_takes(const struct cli_option *);
/* What an option without a text of its own says: the next one's. */
const char *completion_text(const struct cli_option *);
/* All words of a kind, with blanks between them. */
void completion_words(enum words, struct strbuf *);

#endif
