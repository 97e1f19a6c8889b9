/* Procfiles, and with each entry the splitter of commands. */
#include "fuzz.h"

#include "model/command.h"
#include "model/name.h"
#include "model/procfile.h"

static void try_command(const char *text)
{
	struct command command;
	struct strv env = { 0 };
	struct strv argv = { 0 };
	struct error err = { 0 };

	strv_add(&env, "A=1 2");
	strv_add(&env, "B=");
	if (command_parse(text, &command, &err) == 0) {
		fuzz_require(command.argv.len > 0, "a command without words", NULL);
		fuzz_require(!command.shell || command.argv.len == 3, "not sh -c TEXT", NULL);
		command_expand(text, &env, &argv);
		fuzz_require(!command.shell || argv.len == 3, "expanded for the shell", NULL);
		fuzz_require(command.shell || command.variables || argv.len == command.argv.len,
			"expanded without variables", NULL);
		command_done(&command);
	}
	strv_done(&env);
	strv_done(&argv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct procfile procfile;
	struct error err = { 0 };

	/* Not the copy: a Procfile needs no NUL behind it. */
	if (procfile_parse("f", (const char *)data, size, &procfile, &err) == 0) {
		for (size_t i = 0; i < procfile.count; i++) {
			fuzz_require(name_is(NAME_PROCESS, procfile.entries[i].name),
				"a name that is none", NULL);
			try_command(procfile.entries[i].command);
		}
		procfile_done(&procfile);
	}
	try_command(text);
	free(text);
	return 0;
}
