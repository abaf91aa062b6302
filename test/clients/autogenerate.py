#!/usr/bin/env python3
"""Generated revisions, run by the engine.

Each pair of schemas in schema_pairs becomes a project: its first schema is a
revision, its second one the model, and the way between them is generated with
concurrent forms.  On a database at the first schema, with rows:

  write      dbm_revision has something to write
  trial      dbm_test finds nothing wrong with what it wrote
  upgrade    CALL dbm_migrate runs it, and pg_dump then says the same as of a
             database built from the second schema
  rows       the queries give what they gave
  again      dbm_revision has nothing more to write
  downgrade  CALL dbm_migrate leads back
  return     and forth again

    test/clients/autogenerate.py [NAME...]

Pairs in which there is nothing to do are left to schema_diff.py.  Without names
it takes every fourth pair, or all with DBM_STRESS=1 in the environment.
"""
import os
import sys

from tools.pairs import (
    FROM, TO, Failed, Pair, dump, fresh, is_for_later, pair_names, read_pair,
    rename_argument, sql)

STEPS = ["write", "trial", "upgrade", "rows", "again", "downgrade", "return"]

# What the pairs name as lost, by the step in which it shows here
ALSO = {"trial": "downgrade", "return": "downgrade", "again": "empty"}

FIRST = """SET databrain_migrate.project = 'trip';
SELECT FROM dbm_revision('first', rev_id => 'first', upgrade_sql => $dbm_first$%s$dbm_first$);
CALL dbm_migrate();
"""
GENERATE = """SET databrain_migrate.project = 'trip';
SELECT count(*) FROM dbm_revision('second', autogenerate => true, concurrently => true,
	compare_with => '%s'%s);
"""
MIGRATE = "SET databrain_migrate.project = 'trip';\nCALL dbm_migrate('%s');\n"
# the first revision has no downgrade script, and that is all that may be said
TRIAL = """SELECT * FROM dbm_test('trip') AS line
	WHERE line ~ '^(not ok|#)' AND line !~ 'revision first has|There is none';
"""


class Trip(Pair):
    def prepare(self):
        sections = self.sections
        fresh(FROM)
        fresh(TO)
        if "setup" in sections:
            sql("postgres", sections["setup"])
        sql(FROM, FIRST % sections["from"])
        sql(TO, sections["to"])
        self.wanted = dump(TO)
        self.first = dump(FROM)
        sql(FROM, sections.get("rows", ""))
        self.kept = self.keep()
        sql(FROM, "SELECT dbm_set_model($dbm_model$%s$dbm_model$, 'trip');" % sections["to"])

    def write(self):
        renames = rename_argument(self.sections.get("renames", ""))
        if int(sql(FROM, GENERATE % ("revisions", renames))) == 0:
            raise Failed("nothing was written")

    def trial(self):
        found = sql(FROM, TRIAL)
        if found:
            raise Failed(found)

    def upgrade(self):
        sql(FROM, MIGRATE % "head")
        self.compare_dump(FROM, self.wanted, "to")

    def rows(self):
        self.compare_rows(self.kept)

    def again(self):
        for base in ("revisions", "live"):
            if int(sql(FROM, GENERATE % (base, ""))) != 0:
                raise Failed(sql(FROM, "SELECT upgrade_script FROM dbm_show('head', 'trip');"))

    def downgrade(self):
        sql(FROM, MIGRATE % "first")
        self.compare_dump(FROM, self.first, "from")

    def run(self):
        self.prepare()
        for step in STEPS:
            self.check(step, self.upgrade if step == "return" else getattr(self, step))
            if self.result[step] and step in ("write", "upgrade"):
                return


def pairs(names):
    every = 1 if os.environ.get("DBM_STRESS") else 4
    for name in names or pair_names(every):
        sections = read_pair(name)
        if "nothing" not in sections and not is_for_later(sections):
            yield name, sections


def main():
    todo = list(pairs(sys.argv[1:]))
    print(f"1..{len(todo) * len(STEPS)}")
    number = 0
    bad = False
    for name, sections in todo:
        lost = dict(line.split(": ", 1) for line in
                    sections.get("lost", "").split("\n") if ": " in line)
        trip = Trip(sections)
        try:
            trip.run()
        except Failed as failure:
            trip.result.setdefault("write", str(failure))
        for step in STEPS:
            number += 1
            failure = trip.result.get(step, "not reached")
            reason = lost.get(step, lost.get(ALSO.get(step)))
            mark = f" # TODO {reason}" if reason else ""
            print(f"{'not ok' if failure else 'ok'} {number} - {name} {step}{mark}")
            if failure:
                bad = bad or not mark
                print("\n".join("# " + line for line in failure.split("\n")))
        sys.stdout.flush()
    for database in (FROM, TO):
        sql("postgres", f"DROP DATABASE IF EXISTS {database};")
    sql("postgres", "DROP ROLE IF EXISTS regress_pair;")
    return bad


if __name__ == "__main__":
    sys.exit(main())
