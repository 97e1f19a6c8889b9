/* The intruder's attempts on the rules of its network. */
#ifndef INTRUDER_RULES_H
#define INTRUDER_RULES_H

/* "rules": prints what was not refused, then how many attempts were. */
int try_rules(char **args);

#endif
