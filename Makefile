# isorun: make, make demo, make check. V=1 shows commands; SAN=1 builds with ASan and UBSan.
#
# One library of all layers (build/libisorun.a), one program (build/isorun), one test program for
# each tests/unit/*.c and tests/system/*.c. Scripts do what is not compiling: scripts/.

MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SUFFIXES:

CC      ?= cc
ifeq ($(origin CC),default)
CC      := cc
endif
PREFIX  ?= /usr/local
VERSION := 0.1.0
BUILD   := $(if $(SAN),build-san,build)
Q       := $(if $(V),,@)
say      = $(if $(V),,@echo "  $(1)	$(2)";)

WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith \
           -Wwrite-strings -Wundef -Wformat=2 -Wimplicit-fallthrough
HARDEN  := -fstack-protector-strong -fPIE $(if $(SAN),,-D_FORTIFY_SOURCE=2)
,       := ,
CFLAGS  ?= -g $(if $(SAN),-O1 -fno-omit-frame-pointer,-O2)
SANFLAGS := $(if $(SAN),-fsanitize=address$(,)undefined -fno-sanitize-recover=undefined)
override CFLAGS += -std=gnu17 $(WARN) $(if $(WERROR),-Werror) $(HARDEN) $(SANFLAGS)
override CPPFLAGS += -iquote include -D_GNU_SOURCE -DISORUN_VERSION='"$(VERSION)"'
override LDFLAGS += -pie -Wl,-z,relro,-z,now -Wl,--gc-sections -Wl,--as-needed $(SANFLAGS)

# A static archive where the distribution has one, else the shared library: a dynamically linked
# libarchive alone costs more before main than a whole launch (ARCHITECTURE.md, "Start-up").
library = $(if $(filter /%,$(shell $(CC) -print-file-name=lib$(1).a)),-l:lib$(1).a,-l$(1))
LDLIBS  := $(foreach l,archive nftnl seccomp cap jansson zstd z nettle,$(call library,$(l))) -lmnl -ldl

SOURCES := $(filter-out src/cli/main.c,$(wildcard src/*/*.c))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
LIBRARY := $(BUILD)/libisorun.a
SUPPORT := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/support/*.c))
TESTS   := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c tests/system/test_*.c tests/security/test_*.c))

.PHONY: all print-libraries deps test-deps demo demo-guestbook check check-vm check-long lint format install clean tests bench
all: $(BUILD)/isorun $(BUILD)/isorun-oci $(BUILD)/hello
	@:

$(BUILD)/isorun: $(BUILD)/src/cli/main.o $(LIBRARY)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/isorun-oci: | $(BUILD)/isorun
	$(Q)ln -sf isorun $@

# The demo app, static so that its image needs no package. Never sanitized: it is not ours to run.
HELLO   := $(wildcard images/hello/*.c)
$(BUILD)/hello: $(HELLO) images/hello/hello.h
	@mkdir -p $(@D) images/hello/bin
	$(call say,CC,$@)$(CC) -O2 -std=gnu17 -D_GNU_SOURCE $(WARN) $(if $(WERROR),-Werror) -static -s -o $@ $(HELLO)
	$(Q)cp $@ images/hello/bin/hello.new && mv images/hello/bin/hello.new images/hello/bin/hello

$(LIBRARY): $(OBJECTS)
	$(call say,AR,$@)rm -f $@; ar rcs $@ $^

# A test's argument vectors are literals.
$(BUILD)/tests/%.o: override CFLAGS += -Wno-discarded-qualifiers

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(CPPFLAGS) $(CFLAGS) -ffunction-sections -fdata-sections -MMD -MP -c -o $@ $<

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(SUPPORT) $(LIBRARY)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka -lutil

# What the tests run inside a root that holds nothing else.
$(BUILD)/tests/probe: tests/support/probe/probe.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -O1 -g -D_GNU_SOURCE $(WARN) -static -o $@ $<

# What the security tests run as an app.
INTRUDER := $(wildcard tests/support/intruder/*.c)
$(BUILD)/tests/intruder: $(INTRUDER) tests/support/intruder/rules.h
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -O1 -g -D_GNU_SOURCE $(WARN) -static -o $@ $(INTRUDER)

tests: $(TESTS) $(BUILD)/tests/probe $(BUILD)/tests/intruder

deps test-deps:
	$(Q)scripts/deps $@

demo: deps
	$(Q)$(MAKE) --no-print-directory all
	$(Q)scripts/demo

demo-guestbook: deps
	$(Q)$(MAKE) --no-print-directory all
	$(Q)scripts/demo-guestbook

check: deps test-deps
	$(Q)$(MAKE) --no-print-directory SAN=$(SAN) all tests
	$(Q)BUILD=$(BUILD) tests/run unit cli system security

check-vm: deps test-deps
	$(Q)$(MAKE) --no-print-directory all tests
	$(Q)BUILD=$(BUILD) tests/vm/check

check-long: deps test-deps
	$(Q)$(MAKE) --no-print-directory all tests
	$(Q)BUILD=$(BUILD) ISORUN_TEST_LONG=1 tests/run system security

lint: deps test-deps
	$(Q)tests/lint/run

format:
	$(Q)git ls-files '*.c' '*.h' | xargs clang-format -i

# For tests/fuzz/run, which links its own programs.
print-libraries:
	@echo $(LDLIBS)

bench: all
	$(Q)bench/run

install: all
	install -D -m 755 $(BUILD)/isorun $(DESTDIR)$(PREFIX)/bin/isorun
	ln -sf isorun $(DESTDIR)$(PREFIX)/bin/isorun-oci
	scripts/apparmor $(PREFIX)/bin/isorun $(DESTDIR)

clean:
	rm -rf build build-san build-fuzz images/hello/bin

.SECONDARY:
-include $(OBJECTS:.o=.d) $(BUILD)/src/cli/main.d $(TESTS:=.d)
