/* SPDX-License-Identifier: MIT */
/* The help texts. What is not in here does not exist. */
#include <string.h>
#include "cli.h"

static const char general[] =
    "ringless: unmodified Windows kernel drivers (.sys) in a Linux process\n"
    "\n"
    "  ringless run [options] DRIVER.sys... [-c COMMAND]... [-f FILE]\n"
    "                              load in order, run the commands, unload in reverse, report\n"
    "  ringless shell [options] [DRIVER.sys...]\n"
    "                              the same commands at a prompt\n"
    "  ringless inspect DRIVER.sys [--json]\n"
    "                              what it is and needs, before anything of it runs\n"
    "  ringless inf FILE.inf [HARDWARE-ID] [--json]\n"
    "                              what an INF would install: devices, services, files, keys\n"
    "  ringless exports [--module M] [--json]\n"
    "                              every function provided: module, name, IRQL range\n"
    "  ringless help [run|commands|models|COMMAND]\n"
    "  ringless --version\n"
    "\n"
    "exit codes: 0 all as expected, 1 a command or an expectation failed, 2 usage or unreadable\n"
    "input, 3 a driver could not be loaded, 4 bug check, 5 verifier violation\n";

static const char run_text[] =
    "ringless run [options] DRIVER.sys... [-c COMMAND]... [-f FILE]\n"
    "\n"
    "  -c COMMAND       a command (see 'ringless help commands'); may repeat\n"
    "  -f FILE          commands from a file, one a line; - is standard input\n"
    "  --seed N         deterministic: the seed decides every schedule, time is virtual\n"
    "  --seeds A..B     the same run under each seed; stops at the first failure\n"
    "  --jobs N         so many seeds at a time\n"
    "  --cpus N         virtual processors (default: 1 with a seed, else the host's)\n"
    "  --verify WHAT    standard (default), all or none\n"
    "  --special-pool N[,underrun]   so many guarded pool blocks (default 8192); underrun: guarded at\n"
    "                   their beginning instead of their end\n"
    "  --trace FILE     an event per line; - is standard output, *.json for Perfetto\n"
    "  --verbose        the trace shows IRQL changes, ports and registers too\n"
    "  --model NAME[,key=value...]   a part of the machine (see 'ringless help models')\n"
    "  --device HARDWARE-ID          a device of the root bus, added when the drivers are loaded; may "
    "repeat\n"
    "  --inf FILE       devices are installed by it; may repeat, the best ranked one wins; drivers'\n"
    "                   files lie beside it\n"
    "  --registry [KEY=]FILE         a .reg file, or a Windows hive (of KEY, as HKLM\\Software; told by\n"
    "                   its content if left out), to put into the registry first\n"
    "  --registry-write [KEY=]FILE   at the end writes the key as a hive: changes the file if it is\n"
    "                   there, else begins with the hive that was read (default key: that hive's, else\n"
    "                   HKLM\\System)\n"
    "  --watchdog SECONDS            ends driver code that never returns (default 10)\n"
    "  --keep-going     a failed command does not end the run; the exit code is still 1\n"
    "  --json           one JSON object a line\n"
    "  --quiet          only failures and reports\n";

static const struct {
    const char *word;
    const char *text;
} command_texts[] = {
    {"load", "load FILE                     loads a driver; its service name is the file's base name\n"},
    {"unload", "unload NAME                   unloads a driver; waits until its references are gone\n"},
    {"drivers", "drivers                       the loaded drivers\n"},
    {"devices", "devices                       their device objects and what is attached to what\n"},
    {"irps", "irps                          the requests that are outstanding, and who has them\n"},
    {"pool", "pool                          what drivers have allocated, by tag\n"},
    {"open", "open NAME [as H] [read|write|rw] [exclusive] [async]\n"
             "                              opens \\Device\\X, \\DosDevices\\X, \\??\\X or \\\\.\\X; H "
             "becomes current; for\n"
             "                              NAME also {GUID} [N]: the first (Nth) enabled interface of a "
             "class\n"},
    {"close", "close [H]                     closes a handle\n"},
    {"read", "read [H] LENGTH [at OFFSET]   reads; without OFFSET at the file's position\n"},
    {"write", "write [H] DATA [at OFFSET]    writes \"text\", hex:0a0b, @file (@\"a file\"), zero:N or "
              "random:N:SEED\n"},
    {"flush", "flush [H]                     IRP_MJ_FLUSH_BUFFERS\n"},
    {"ioctl", "ioctl [H] CODE [DATA] [out N] a device control request with N bytes of room for output\n"},
    {"internal-ioctl", "internal-ioctl [H] CODE [DATA] [out N]\n"
                       "                              the same as a kernel component would send it\n"},
    {"cancel", "cancel [H]                    cancels the pending requests of a handle\n"},
    {"wait", "wait [H|all] [timeout MS]     waits for the requests of asynchronous handles\n"},
    {"advance", "advance MS                    moves the virtual clock (without --seed: waits)\n"},
    {"sleep", "sleep MS                      lets time pass: virtual with --seed\n"},
    {"interrupt",
     "interrupt MODEL|LINE|nmi      one interrupt on a model's line, on line 0 to 23, or an NMI\n"},
    {"model-input", "model-input MODEL DATA        gives a device input: what a serial port receives ...\n"},
    {"add-device",
     "add-device HARDWARE-ID        a new device of the root bus: AddDevice and START_DEVICE\n"},
    {"start", "start ID                      starts a stopped device, or one that has no drivers (yet)\n"},
    {"stop",
     "stop ID                       pauses a device: QUERY_STOP, then STOP, or CANCEL_STOP on a veto\n"},
    {"query-remove",
     "query-remove ID               asks whether it could go: QUERY_REMOVE, then CANCEL_REMOVE\n"},
    {"remove", "remove ID                     QUERY_REMOVE, then REMOVE; with its descendants\n"},
    {"surprise-remove",
     "surprise-remove ID            as if pulled out: SURPRISE_REMOVAL, REMOVE with the last handle\n"},
    {"eject", "eject ID                      removes it with its ejection relations, then EJECT\n"},
    {"tree", "tree                          the devices: state, drivers, stack, resources, problems\n"},
    {"wmi", "wmi [GUID]                    the WMI blocks that drivers provide; a block's instances\n"
            "                              wmi GUID INSTANCE [set DATA|set-item N DATA|method N [DATA]]\n"
            "                              one instance, by name or number; wmi GUID enable|disable\n"
            "                              [collection]: its events, which are printed as they come\n"},
    {"power", "power ID D0|D1|D2|D3          SET_POWER to a device's stack; ID directed-down|directed-up for "
              "those\n"
              "                              that registered for it with PoFx\n"},
    {"power-setting", "power-setting GUID DATA       changes a power setting: callbacks are told\n"},
    {"system", "system S0|S1|S2|S3|S4 [hybrid|fast] [forced] [idle] [power-lost]\n"
               "                              to sleep and back: QUERY_POWER, SET_POWER to all devices\n"
               "  system S5 [reset|off]         shuts the machine down: IRP_MJ_SHUTDOWN to those who asked\n"
               "                              for it, SET_POWER for S5, no Unload\n"},
    {"expect", "expect STATUS [INFORMATION]   checks the last result\n"},
    {"expect-data", "expect-data DATA              checks the last result's data\n"},
    {"echo", "echo TEXT                     prints it\n"},
};
#define COMMAND_COUNT (sizeof(command_texts) / sizeof(command_texts[0]))

const char *const command_words[COMMAND_COUNT] = {
    "power",        "power-setting", "wmi",
    "load",         "unload",        "drivers",
    "devices",      "irps",          "pool",
    "open",         "close",         "read",
    "write",        "flush",         "ioctl",
    "cancel",       "wait",          "internal-ioctl",
    "expect",       "echo",          "advance",
    "sleep",        "expect-data",   "model-input",
    "interrupt",    "system",        "add-device",
    "start",        "tree",          "stop",
    "query-remove", "remove",        "surprise-remove",
    "eject",
};
const unsigned command_word_count = COMMAND_COUNT;

const char *command_help_text(const char *word)
{
    for (unsigned i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(command_texts[i].word, word) == 0)
            return command_texts[i].text;
    return NULL;
}

static int all_commands(void)
{
    puts("commands, one a line; # starts a comment:\n");
    for (unsigned i = 0; i < COMMAND_COUNT; i++)
        printf("  %s", command_texts[i].text);
    return EXIT_OK;
}

int command_help(int argc, char **argv)
{
    const char *word = argc > 0 ? argv[0] : "";
    const char *text = command_help_text(word);

    if (word[0] == '\0' || strcmp(word, "inspect") == 0 || strcmp(word, "exports") == 0 ||
        strcmp(word, "inf") == 0 || strcmp(word, "help") == 0)
        fputs(general, stdout);
    else if (strcmp(word, "run") == 0 || strcmp(word, "shell") == 0)
        fputs(run_text, stdout);
    else if (strcmp(word, "commands") == 0)
        return all_commands();
    else if (strcmp(word, "models") == 0)
        return help_models();
    else if (text != NULL)
        fputs(text, stdout);
    else {
        const char *near = nearest(word, command_words, command_word_count);
        return near != NULL ? usage_error("there is no help for '%s'; did you mean '%s'?", word, near)
                            : usage_error("there is no help for '%s'", word);
    }
    return EXIT_OK;
}
