# databrain_migrate: a PGXS module, built and installed as any other
# ("make install", "make installcheck"), for the pg_config that is first in
# PATH or given as PG_CONFIG=.  In addition, on a Debian machine,
#
#   make demo    shows the main job on a throw-away cluster
#   make test    builds with all warnings and assertions and runs every test;
#                SUITES="regress pgtap" picks some
#   make setup   only installs what these two need
#   make bench   measures
#   make stress  runs the long random tests
#   make dist    packs the last commit for PGXN

EXTENSION = databrain_migrate
# The control file is the one place that says the version.
EXTVERSION := $(shell sed -n "s/^default_version *= *'\([^']*\)'.*/\1/p" $(EXTENSION).control)

MODULE_big = databrain_migrate
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*/*.c)))
PGFILEDESC = "databrain_migrate - schema migrations inside the server"
# -MMD: a changed header rebuilds what includes it; PGXS by itself does not.
PG_CPPFLAGS = -I$(srcdir)/src -MMD -MP

# The engine's own scripts, and the project that comes with it.  PGXS knows of
# one control file only; the project's travels with the scripts.
DATA = $(sort $(wildcard sql/$(EXTENSION)--*.sql)) \
	versions/databrain.control $(sort $(wildcard versions/databrain--*.sql))

# Scripts in test/sql, expected output in expected.  Servers before 16 look
# for expected/ in the output directory, later ones must be told.
REGRESS := $(sort $(patsubst test/sql/%.sql,%,$(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=$(srcdir)/test --outputdir=. $(call expecteddir,$(srcdir))
ISOLATION := $(sort $(patsubst test/isolation/specs/%.spec,%,$(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=$(srcdir)/test/isolation $(call expecteddir,$(srcdir)/test/isolation)
expecteddir = $(if $(filter 13 14 15,$(MAJORVERSION)),,--expecteddir=$(1))

# The TAP tests start clusters of their own, which root may not.
ifneq ($(shell id -u),0)
TAP_TESTS := $(if $(wildcard test/t/*.pl),1)
PROVE_TESTS = test/t/*.pl
endif

EXTRA_CLEAN = $(OBJS:.o=.d)

# Bitcode would serve to inline our functions into jitted queries, which they
# are never part of in any number; without it no clang is needed.
override with_llvm = no

PG_CONFIG = pg_config
PGXS := $(wildcard $(shell $(PG_CONFIG) --pgxs 2>/dev/null))

ifneq ($(PGXS),)
include $(PGXS)
-include $(OBJS:.o=.d)
else
all install installcheck clean:
	@echo "$(PG_CONFIG) shows no PGXS: install the server's development files (on Debian:" >&2
	@echo "make setup), or say PG_CONFIG=/path/to/pg_config" >&2
	@exit 1
endif

# Functions called through pointers, SQL functions and hooks among them, have
# parameters that not every one of them reads.
WARNINGS = -Wall -Wextra -Werror -Wno-unused-parameter
SUB = $(MAKE) --no-print-directory

.PHONY: setup demo test dist
setup:
	@.ci/setup test

demo:
	@.ci/setup demo
	@$(SUB) -s all install
	@test/demo

# From a clean state, since objects built with other flags would be kept.
test:
	@.ci/setup test
	@$(SUB) -s clean
	@$(SUB) -s all PG_CFLAGS="$(WARNINGS) -DUSE_ASSERT_CHECKING"
	@$(SUB) -s install
	@test/run $(SUITES)

dist:
	git archive --format=zip --prefix=$(EXTENSION)-$(EXTVERSION).0/ \
		-o $(EXTENSION)-$(EXTVERSION).0.zip HEAD

ifneq ($(wildcard test/bench/run),)
.PHONY: bench
bench:
	@.ci/setup test
	@$(SUB) -s clean
	@$(SUB) -s all install
	@test/bench/run
	@test/bench/schema
	@test/bench/drift
endif

.PHONY: stress
stress:
	@.ci/setup test
	@$(SUB) -s clean
	@$(SUB) -s all PG_CFLAGS="$(WARNINGS) -DUSE_ASSERT_CHECKING"
	@$(SUB) -s install
	@DBM_STRESS=1 test/run stress tap
