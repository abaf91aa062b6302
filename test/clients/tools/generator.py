"""Random worlds, and random edits of them."""
import random

from tools.world import ROWS, World, q
from tools.writer import Writer

ROLES = ["regress_random_1", "regress_random_2"]
NAMES = ["item", "order", "user", "Mixed Case", "quo\"te", "it's", "select", "\u00fcn\u00efcode",
         "dot.ted", "$1", "table", "percent%s", "back\\slash", "x", "column", "l" * 56, "{id}",
         "[x]", "a(b)", "-- no", "/*"]
BUILTIN = ["smallint", "integer", "integer", "bigint", "bigint", "numeric", "numeric(10,2)",
           "double precision", "text", "text", "text", "character varying(20)",
           "character varying", "boolean", "date", "timestamp without time zone",
           "timestamp with time zone", "interval", "uuid", "jsonb", "bytea", "inet"]
CONVERTIBLE = {
    "int": ["smallint", "integer", "bigint", "numeric", "numeric(10,2)", "text",
            "character varying(20)"],
    "num": ["integer", "bigint", "numeric", "numeric(10,2)", "double precision", "text"],
    "text": ["text", "character varying(20)", "character varying", "integer", "numeric"],
    "date": ["date", "timestamp without time zone", "timestamp with time zone", "text"],
}
INTEGERS = ["smallint", "integer", "bigint"]


class Generator:
    """Adds to a world and edits it; all chance comes from one seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.world = World()
        self.log = []

    # chance

    def chance(self, p):
        return self.random.random() < p

    def pick(self, things):
        return self.random.choice(things) if things else None

    def name(self):
        self.world.last += 1
        return f"{self.pick(NAMES)}{self.world.last}"

    def schema(self):
        return self.pick(self.world.of("schema")).uid

    def make(self, kind, refs=None, schema=True, **attrs):
        refs = dict(refs or {})
        if schema:
            refs.setdefault("schema", self.schema())
        node = self.world.add(kind, self.name(), refs, **attrs)
        if self.chance(0.15):
            node.attrs["comment"] = self.text()
        if kind in GRANTABLE and self.chance(0.2):
            node.attrs["grants"] = self.grants(kind)
        if kind == "defpriv":
            node.attrs.pop("comment", None)
        if kind in OWNED and self.chance(0.1):
            node.attrs["owner"] = self.pick(ROLES)
        return node

    def text(self):
        return self.pick(["plain", "it's", "back\\slash", "two\nlines", "\u00fc $$ {id} [x]"]) + \
            str(self.random.randrange(100))

    def grants(self, kind):
        if kind in ("function", "procedure", "enum", "domain", "composite") and self.chance(0.3):
            return [("revoke", None, False)]
        return [(self.pick(GRANTABLE[kind]), self.pick(ROLES + ["PUBLIC"]), False)
                if self.chance(0.8) else (GRANTABLE[kind][0], ROLES[0], True)]

    def k(self):
        return self.random.randrange(1, 50)

    # what there is to use

    def relations(self, *kinds):
        return self.world.of(*(kinds or ("table",)))

    def some_columns(self, rel, count, test=lambda c: True):
        columns = [c for c in self.world.columns(rel) if test(c)]
        self.random.shuffle(columns)
        return columns[:count]

    def functions(self, *shapes):
        return [f for f in self.world.of("function") if f.shape in shapes]

    def orderable(self, column):
        return self.world.family(column) in ("int", "num", "text", "date", "bool")

    def distinct(self, column):
        """Have all rows different values in it?"""
        return (self.world.family(column) in ("int", "num", "text", "date") and
                not column.array and not column.generated and column.fresh is None and
                not ("type" in column.refs and
                     self.world[column.refs["type"]].kind != "domain"))

    def keyed(self, column):
        """Does a key, a foreign key or a partitioning use it?"""
        for user in self.world.users(column.uid):
            if user.kind == "table" or (user.kind == "constraint" and
                                        user.type in ("foreign", "UNIQUE", "PRIMARY KEY")):
                return True
        return False

    def partitioned(self, table):
        return bool(table.strategy or "parent" in table.refs)

    # adding

    def add_schema(self):
        return self.make("schema", schema=False)

    def add_collation(self):
        provider, locale = self.pick([("libc", "C"), ("icu", "de"), ("icu", "en")])
        return self.make("collation", provider=provider, locale=locale)

    def add_enum(self):
        labels = [f"{self.pick(NAMES)[:20]} {n}" for n in range(self.random.randrange(2, 6))]
        return self.make("enum", labels=labels, anchor=self.pick(labels))

    def add_domain(self):
        node = self.make("domain", base=self.pick(["integer", "bigint", "numeric", "text"]),
                         default=self.chance(0.3), not_null=self.chance(0.2))
        for _ in range(self.random.randrange(3)):
            self.add_dconstraint(node)
        return node

    def add_dconstraint(self, domain=None):
        domain = domain or self.pick(self.world.of("domain"))
        if domain:
            return self.make("dconstraint", {"domain": domain.uid}, schema=False, k=self.k())

    def add_composite(self):
        node = self.make("composite")
        for _ in range(self.random.randrange(1, 4)):
            self.add_cattr(node)
        return node

    def add_cattr(self, node=None):
        node = node or self.pick(self.world.of("composite"))
        if node is None:
            return None
        refs = {"type_of": node.uid}
        enums = [e for e in self.world.of("enum") if e.uid < node.uid]
        if enums and self.chance(0.2):
            refs["type"] = self.pick(enums).uid
        return self.make("cattr", refs, schema=False, type=self.pick(BUILTIN),
                         order=self.world.last)

    def add_range(self):
        return self.make("range", subtype=self.pick(["bigint", "numeric", "date", "text"]))

    def add_sequence(self, owner=None):
        low = self.random.randrange(1, 5)
        return self.make("sequence", {"owner": owner}, type=self.pick(INTEGERS),
                         by=self.random.randrange(1, 4), low=low, start=low + 10,
                         cache=self.pick([1, 1, 5]), cycle=self.chance(0.2))

    def add_function(self, shape=None):
        shape = shape or self.pick(["pred", "calc", "calc", "text", "next", "acc", "trigger",
                                    "take", "count", "rows"])
        refs = {}
        attrs = {"shape": shape, "k": self.k(), "volatility": "IMMUTABLE",
                 "lang": self.pick(["sql", "plpgsql", "atomic"]),
                 "argname": self.pick(["x", "a b", "Value", "$"]),
                 "strict": self.chance(0.2), "definer": self.chance(0.1),
                 "setting": self.chance(0.1), "cost": self.chance(0.1)}
        if shape in ("pred", "calc"):
            attrs["arg"] = self.pick(["bigint", "bigint", "numeric"])
            attrs["ret"] = "boolean" if shape == "pred" else self.pick(["bigint", "integer"])
            attrs["extra"] = self.chance(0.15)
        elif shape == "text":
            attrs.update(arg="text", ret="text")
        elif shape in ("next", "acc"):
            attrs["ret"] = "bigint"
        elif shape == "take":
            used = self.pick(self.world.of("enum", "composite", "domain", "range"))
            if used is None:
                return None
            refs["type"] = used.uid
            attrs["volatility"] = "STABLE"
        elif shape in ("count", "rows"):
            rel = self.pick(self.relations("table", "view"))
            if rel is None or not self.world.columns(rel):
                return None
            refs["rel"] = rel.uid
            refs["src"] = self.pick(self.world.columns(rel)).uid
            attrs["volatility"] = "STABLE"
        return self.make("function", refs, **attrs)

    def add_procedure(self):
        return self.make("procedure", k=self.k(), default=self.chance(0.3))

    def add_aggregate(self):
        function = self.pick(self.functions("acc"))
        if function:
            return self.make("aggregate", {"fn": function.uid}, k=self.k())

    def add_operator(self):
        function = self.pick(self.functions("acc"))
        if function:
            node = self.make("operator", {"fn": function.uid})
            node.name = "+" * (1 + len(self.world.of("operator"))) + "*" * (node.uid % 7 + 1)
            return node

    def add_dictionary(self):
        return self.make("dictionary", accept=self.pick(["true", "false"]))

    def add_configuration(self):
        used = self.pick(self.world.of("dictionary"))
        return self.make("configuration", {"dictionary": used.uid if used else None},
                         tokens=self.pick(["word", "asciiword", "word, asciiword", "int"]))

    def add_defpriv(self):
        """Before everything: a sandbox has those of the live schema."""
        on, privilege = self.pick([("TABLES", "SELECT"), ("TABLES", "INSERT"),
                                   ("FUNCTIONS", "EXECUTE"), ("SEQUENCES", "USAGE"),
                                   ("TYPES", "USAGE")])
        for other in self.world.of("defpriv"):
            if other.on == on:
                return None
        return self.make("defpriv", {"schema": self.schema()}, schema=False, on=on,
                         privilege=privilege, role=self.pick(ROLES), early=True)

    def add_table(self):
        kind = self.random.random()
        world = self.world
        if kind < 0.2:
            return self.add_partitioned()
        if kind < 0.35:
            parents = [t for t in world.of("table") if not self.partitioned(t)]
            if parents:
                node = self.make("table", {"inherits": self.pick(parents).uid})
                for _ in range(self.random.randrange(0, 3)):
                    self.add_column(node)
                return node
        node = self.make("table", unlogged=self.chance(0.05), fillfactor=self.pick([None] * 5 + [70]),
                         rls=self.chance(0.15), force_rls=self.chance(0.05),
                         identity_full=self.chance(0.05))
        self.add_column(node, plain=self.pick(INTEGERS))
        for _ in range(self.random.randrange(1, 7)):
            self.add_column(node)
        if self.chance(0.8):
            self.add_constraint(node, "PRIMARY KEY")
        return node

    def add_partitioned(self):
        node = self.make("table")
        key = self.add_column(node, plain=self.pick(INTEGERS))
        node.refs["key"] = key.uid
        key.attrs["not_null"] = True
        node.attrs["strategy"] = self.pick(["LIST", "RANGE"])
        for _ in range(self.random.randrange(1, 4)):
            self.add_column(node)
        if node.strategy == "LIST":
            bounds = ["FOR VALUES IN (1)", "FOR VALUES IN (2, 3)"]
        else:
            bounds = ["FOR VALUES FROM (0) TO (2)", "FOR VALUES FROM (2) TO (10)"]
        if self.chance(0.5):
            bounds.append("DEFAULT")
        for bound in bounds:
            self.make("table", {"parent": node.uid}, bound=bound)
        if self.chance(0.5):
            self.add_constraint(node, "PRIMARY KEY")
        return node

    def add_column(self, table=None, plain=None):
        world = self.world
        table = table or self.pick([t for t in world.of("table") if "parent" not in t.refs])
        if table is None:
            return None
        refs = {"table": table.uid}
        attrs = {"type": plain or self.pick(BUILTIN)}
        sources = [c for c in world.own_columns(table) if not c.generated]
        if plain is None:
            kind = self.random.random()
            types = world.of("enum", "domain", "composite", "range")
            if kind < 0.3 and types:
                refs["type"] = self.pick(types).uid
            elif kind < 0.4 and sources:
                refs["gen"] = self.pick(sources).uid
                function = self.pick(self.functions("pred", "calc", "text"))
                if function and self.chance(0.4):
                    refs["fn"] = function.uid
                attrs.update(generated=True, k=self.k())
            elif kind < 0.5 and not table.strategy and "inherits" not in table.refs:
                attrs.update(type=self.pick(INTEGERS), identity=self.pick(["ALWAYS", "BY DEFAULT"]),
                             start=self.random.randrange(1, 9), by=self.pick([None, 1, 2]))
        if not attrs.get("generated") and not attrs.get("identity"):
            attrs["array"] = plain is None and self.chance(0.1)
            attrs["not_null"] = self.chance(0.25)
        attrs["statistics"] = self.pick([None] * 8 + [50])
        attrs["n_distinct"] = self.pick([None] * 12 + [5])
        attrs["storage"] = self.pick([None] * 6 + ["EXTERNAL", "MAIN"])
        node = self.make("column", refs, schema=False, **attrs)
        collation = self.pick(world.of("collation"))
        if collation and world.type(node)[0] in ("text", "character varying") and \
                not node.generated and self.chance(0.2):
            node.refs["collation"] = collation.uid
        if self.chance(0.4):
            self.add_default(node)
        return node

    def add_default(self, column=None):
        world = self.world
        if column is None:
            column = self.pick(world.of("column"))
        if column is None or column.generated or column.identity or \
                any(n.kind == "default" for n in world.users(column.uid)):
            return None
        if "type" in column.refs and world[column.refs["type"]].kind == "composite":
            return None             # a row's text goes by the order of the attributes
        refs = {"column": column.uid}
        kind = self.random.random()
        if world.family(column) in ("int", "num", "text") and not column.array and \
                "type" not in column.refs:
            if kind < 0.15:
                owner = column.uid if self.chance(0.7) else None
                refs["seq"] = self.add_sequence(owner).uid
            elif kind < 0.3:
                function = self.pick(self.functions("next"))
                if function:
                    refs["fn"] = function.uid
        return world.add("default", "", refs, k=self.k())

    def add_constraint(self, table=None, kind=None):
        world = self.world
        table = table or self.pick([t for t in world.of("table") if "parent" not in t.refs])
        kind = kind or self.pick(["check", "check", "check", "UNIQUE", "foreign", "foreign",
                                  "exclude", "PRIMARY KEY"])
        if table is None:
            return None
        attrs = {"type": kind, "k": self.k()}
        refs = {"table": table.uid}
        if kind == "check":
            column = self.pick(world.columns(table))
            if column is None:
                return None
            attrs["not_valid"] = self.chance(0.15)
            attrs["no_inherit"] = not table.strategy and self.chance(0.1)
            function = self.pick(self.functions("pred", "calc", "text"))
            if function and self.chance(0.3):
                refs["fn"] = function.uid
        elif kind == "foreign":
            column = self.pick([c for c in world.own_columns(table) if self.distinct(c) and
                                c.type in INTEGERS and "type" not in c.refs])
            targets = [n for n in world.of("constraint")
                       if n.type in ("UNIQUE", "PRIMARY KEY") and "c2" not in n.refs and
                       not n.defer and not n.fresh and
                       world[n.refs["c"]].type in INTEGERS and
                       "type" not in world[n.refs["c"]].refs and
                       not world[n.refs["table"]].unlogged]
            target = self.pick(targets)
            if column is None or target is None or table.unlogged:
                return None
            refs["target"] = target.uid
            attrs["defer"] = self.pick([0, 0, 1, 2])
            attrs["actions"] = self.pick(["", "", " ON DELETE CASCADE",
                                          " ON UPDATE CASCADE ON DELETE SET NULL"])
            attrs["not_valid"] = not table.strategy and self.chance(0.1)
        else:
            if kind == "PRIMARY KEY" and any(n.type == kind and n.refs["table"] == table.uid
                                             for n in world.of("constraint")):
                return None
            if table.strategy:
                if kind == "exclude":
                    return None
                column = world[table.refs["key"]]
            else:
                column = self.pick([c for c in world.own_columns(table) if self.distinct(c)])
            if column is None:
                return None
            other = self.pick([c for c in world.own_columns(table)
                               if self.distinct(c) and c is not column])
            if other and self.chance(0.25) and kind != "exclude":
                refs["c2"] = other.uid
            attrs["defer"] = self.pick([0, 0, 0, 1, 2])
            attrs["nulls"] = self.chance(0.1)
            if kind == "PRIMARY KEY":
                for uid in (column.uid, refs.get("c2")):
                    if uid:
                        world[uid].attrs["not_null"] = True
        refs["c"] = column.uid
        return self.make("constraint", refs, schema=False, **attrs)

    def add_index(self, table=None):
        world = self.world
        rel = table or self.pick(self.relations("table", "table", "matview"))
        # the index of a partition could become part of its parent's
        if rel is None or "parent" in rel.refs:
            return None
        columns = self.some_columns(rel, 2, self.orderable)
        if not columns:
            return None
        refs = {"table": rel.uid, "c": columns[0].uid}
        if len(columns) > 1 and self.chance(0.4):
            refs["c2"] = columns[1].uid
        function = self.pick(self.functions("calc", "pred", "text"))
        if function and self.chance(0.3):
            refs["fn"] = function.uid
        everything = world.columns(rel)
        if self.chance(0.2):
            refs["where"] = self.pick(everything).uid
        method = self.pick(["btree"] * 6 + ["hash"])
        if method == "btree" and self.chance(0.15):
            refs["include"] = self.pick(everything).uid
        return self.make("index", refs, schema=False, method=method, k=self.k(),
                         expression=self.chance(0.3), descending=self.chance(0.2),
                         pattern=self.chance(0.1), fillfactor=self.pick([None] * 6 + [80]))

    def add_statistics(self):
        rel = self.pick([t for t in self.world.of("table")])
        columns = self.some_columns(rel, 2, self.orderable) if rel else []
        if len(columns) == 2:
            return self.make("statistics", {"table": rel.uid, "c": columns[0].uid,
                                            "c2": columns[1].uid},
                             kinds=self.pick([None, "ndistinct", "dependencies, mcv"]))

    def add_trigger(self):
        rel = self.pick(self.relations("table", "table", "table", "view"))
        function = self.pick(self.functions("trigger")) or self.add_function("trigger")
        columns = self.world.columns(rel) if rel else None
        if not columns:
            return None
        refs = {"table": rel.uid, "fn": function.uid}
        if rel.kind == "view":
            return self.make("trigger", refs, schema=False, timing="INSTEAD OF",
                             event=self.pick(["INSERT", "UPDATE", "DELETE"]), level="ROW")
        if self.chance(0.3):
            refs["of"] = self.pick(columns).uid
        if self.chance(0.4):
            refs["when"] = self.pick(columns).uid
        level = self.pick(["ROW", "ROW", "STATEMENT"])
        return self.make("trigger", refs, schema=False, level=level, k=self.k(),
                         timing=self.pick(["BEFORE", "AFTER"]),
                         event=self.pick(["INSERT", "UPDATE", "DELETE"]),
                         constraint=self.chance(0.2),
                         enabled=self.pick([None] * 5 + ["DISABLE", "ENABLE ALWAYS",
                                                         "ENABLE REPLICA"]))

    def add_policy(self):
        rel = self.pick(self.relations())
        column = self.pick(self.world.columns(rel)) if rel else None
        if column:
            refs = {"table": rel.uid, "c": column.uid}
            function = self.pick(self.functions("pred", "calc", "text"))
            if function and self.chance(0.3):
                refs["fn"] = function.uid
            return self.make("policy", refs, schema=False, k=self.k(),
                             mode=self.pick(["PERMISSIVE", "RESTRICTIVE"]),
                             command=self.pick(["ALL", "SELECT", "INSERT", "UPDATE", "DELETE"]),
                             roles=self.pick(["PUBLIC"] + ROLES + [", ".join(ROLES)]))

    def add_rule(self):
        rel = self.pick(self.relations("table", "view"))
        column = self.pick(self.world.columns(rel)) if rel else None
        if column:
            return self.make("rule", {"table": rel.uid, "c": column.uid}, schema=False,
                             k=self.k(), event=self.pick(["INSERT", "UPDATE"]),
                             where=self.chance(0.5))

    def add_view(self, kind=None):
        world = self.world
        kind = kind or self.pick(["view", "view", "matview"])
        sources = [r for r in self.relations("table", "table", "view", "view", "matview")
                   if world.columns(r)]
        if not sources:
            return None
        rels = self.random.sample(sources, min(len(sources), self.pick([1, 1, 2])))
        node = self.make(kind, barrier=self.chance(0.1), k=self.k(),
                         where=self.pick([None, None, 0]), limit=self.pick([None] * 5 + [10]))
        for rel in rels:
            for _ in range(self.random.randrange(1, 4)):
                self.add_vcol(node, rel)
        return node

    def add_vcol(self, view=None, rel=None):
        world = self.world
        view = view or self.pick(world.of("view", "matview"))
        if view is None:
            return None
        rel = rel or world[self.pick(world.parts(view.uid)).refs["rel"]]
        refs = {"view": view.uid, "rel": rel.uid, "src": self.pick(world.columns(rel)).uid}
        how = self.pick(["plain", "plain", "plain", "calc", "call", "operator"])
        if how == "call":
            function = self.pick(self.functions("pred", "calc", "text"))
            if function is None:
                how = "calc"
            else:
                refs["fn"] = function.uid
        if how == "operator":
            operator = self.pick(world.of("operator"))
            if operator is None:
                how = "calc"
            else:
                refs["op"] = operator.uid
        node = self.make("vcol", refs, schema=False, how=how, k=self.k(), order=world.last)
        if view.kind == "matview":
            # no privileges of columns on these
            node.attrs.pop("grants", None)
        return node

    ADD = {"collation": 1, "enum": 3, "domain": 2, "composite": 2, "range": 1, "sequence": 1,
           "function": 8, "procedure": 1, "aggregate": 1, "operator": 1, "dictionary": 1,
           "configuration": 1, "defpriv": 1, "table": 8, "column": 0, "default": 0,
           "constraint": 6, "index": 6, "statistics": 1, "trigger": 3, "policy": 2, "rule": 1,
           "view": 8, "cattr": 0, "dconstraint": 0, "vcol": 0}

    def grow(self, count):
        for _ in range(self.random.randrange(2, 4)):
            self.add_schema()
        kinds, weights = zip(*self.ADD.items())
        for _ in range(count):
            kind = self.random.choices(kinds, weights)[0]
            getattr(self, "add_" + kind)()


GRANTABLE = {
    "schema": ["USAGE", "CREATE"], "table": ["SELECT", "INSERT", "UPDATE", "TRUNCATE"],
    "column": ["SELECT", "UPDATE"], "view": ["SELECT"], "matview": ["SELECT"],
    "vcol": ["SELECT"], "sequence": ["USAGE", "SELECT"], "function": ["EXECUTE"],
    "procedure": ["EXECUTE"], "aggregate": ["EXECUTE"], "enum": ["USAGE"],
    "domain": ["USAGE"], "composite": ["USAGE"],
}
OWNED = {"schema", "collation", "enum", "domain", "composite", "range", "sequence", "table",
         "view", "matview", "function", "procedure", "aggregate", "operator", "statistics",
         "dictionary", "configuration"}


class Editor(Generator):
    """Edits a copy of another generator's world."""

    def __init__(self, base, seed):
        super().__init__(seed)
        self.base = base.world
        self.world = base.world.copy()

    EDITS = {"add": 6, "drop": 4, "part": 6, "rename": 1, "move": 1, "comment": 2, "owner": 1,
             "grants": 2, "retype": 5, "not_null": 2, "default": 3, "column": 2, "value": 5,
             "enum": 3, "attribute": 2, "detach": 1, "inherit": 1, "swap": 1, "order": 1,
             "sequence": 1, "identity": 1}

    def edit(self, count):
        kinds, weights = zip(*self.EDITS.items())
        while len(self.log) < count:
            kind = self.random.choices(kinds, weights)[0]
            what = getattr(self, "edit_" + kind)()
            if what is not None:
                self.log.append(f"{kind} {what.kind} {what.name}")

    def edit_add(self):
        kinds, weights = zip(*self.ADD.items())
        kind = self.random.choices(kinds, weights)[0]
        return getattr(self, "add_" + kind)() if kind != "defpriv" else None

    def edit_drop(self):
        # a model that says nothing of default privileges leaves them
        node = self.pick([n for n in self.world.nodes.values()
                          if n.kind not in ("schema", "defpriv") or
                          (n.kind == "schema" and len(self.world.of("schema")) > 1 and
                           self.chance(0.1))])
        if node is None or (node.kind == "table" and "parent" in node.refs):
            return None
        self.world.remove(node.uid)
        return node

    def edit_part(self):
        """A part of something that stays."""
        kind = self.pick(["column", "column", "column", "default", "dconstraint", "cattr",
                          "vcol", "vcol", "constraint", "constraint", "index"])
        node = getattr(self, "add_" + kind)()
        if node and kind == "column" and not (node.identity or node.generated):
            has = [n for n in self.world.users(node.uid) if n.kind == "default"]
            # rows are there already: it is null in them, or all the same
            node.attrs["fresh"] = True
            if node.not_null and not has:
                node.attrs["not_null"] = False
        return node

    def edit_rename(self):
        node = self.pick([n for n in self.world.nodes.values()
                          if n.kind not in ("operator", "default", "schema", "defpriv", "column",
                                            "table")])
        if node:
            node.name = self.name()
        return node

    def edit_move(self):
        node = self.pick([n for n in self.world.nodes.values()
                          if "schema" in n.refs and n.kind not in ("table", "defpriv")])
        if node:
            node.refs["schema"] = self.schema()
        return node

    def edit_comment(self):
        node = self.pick([n for n in self.world.nodes.values()
                          if n.kind not in ("default", "defpriv", "schema")])
        node.attrs["comment"] = self.pick([None, self.text()])
        return node

    def edit_owner(self):
        node = self.pick([n for n in self.world.nodes.values()
                          if n.kind in OWNED and n.kind != "schema"])
        node.attrs["owner"] = self.pick([None] + ROLES)
        return node

    def edit_grants(self):
        # a model that says nothing of a schema's privileges leaves them
        node = self.pick([n for n in self.world.nodes.values()
                          if n.kind in GRANTABLE and n.kind != "schema"])
        if node.kind == "vcol" and self.world[node.refs["view"]].kind == "matview":
            return None
        node.attrs["grants"] = self.grants(node.kind) if self.chance(0.7) else None
        return node

    def edit_retype(self):
        world = self.world
        node = self.pick([c for c in world.of("column", "cattr") if not c.generated])
        if node is None or node.identity:
            if node is not None:
                node.attrs["type"] = self.pick(INTEGERS)
            return node
        if node.kind == "column" and self.keyed(node):
            if node.type not in INTEGERS or "type" in node.refs or \
                    any(u.kind == "table" for u in world.users(node.uid)):
                return None
            node.attrs["type"] = self.pick(INTEGERS)
            return node
        if node.kind == "column" and any(u.kind in ("constraint",) and u.type == "exclude"
                                         for u in world.users(node.uid)):
            return None
        if node.array:
            return None
        family = world.family(node)
        new = self.pick(CONVERTIBLE.get(family, ["text"]))
        if family == "text" and node.fresh:
            new = "text"
        node.refs.pop("type", None)
        node.refs.pop("collation", None)
        node.attrs["type"] = new
        return node

    def edit_not_null(self):
        node = self.pick([c for c in self.world.of("column")
                          if not c.generated and not c.identity])
        if node is None or self.keyed(node):
            return None
        has = any(n.kind == "default" for n in self.world.users(node.uid))
        if not node.not_null and node.fresh and not has:
            return None
        node.attrs["not_null"] = not node.not_null
        return node

    def edit_default(self):
        node = self.pick(self.world.of("default"))
        if node and self.chance(0.5):
            node.attrs["k"] = self.k()
            return node
        if node and self.chance(0.5):
            column = self.world[node.refs["column"]]
            if not (column.not_null and column.fresh):
                self.world.remove(node.uid)
                return node
        return self.add_default(self.pick(self.world.of("column")))

    def edit_column(self):
        node = self.pick(self.world.of("column"))
        if node:
            what = self.pick(["statistics", "n_distinct", "storage"])
            node.attrs[what] = {"statistics": self.pick([None, 20, 70]),
                                "n_distinct": self.pick([None, 3, 9]),
                                "storage": self.pick([None, "EXTERNAL", "MAIN"])}[what]
        return node

    def edit_value(self):
        """One attribute of something."""
        node = self.pick([n for n in self.world.nodes.values() if n.kind in VALUES])
        if node is None:
            return None
        what, values = self.pick(VALUES[node.kind])
        old = node.attrs.get(what)
        if node.kind == "table" and what in ("unlogged",) and (
                self.partitioned(node) or any(
                    n.type == "foreign" and (n.refs["table"] == node.uid or
                                             self.world[n.refs["target"]].refs["table"] == node.uid)
                    for n in self.world.of("constraint"))):
            return None
        if node.kind == "constraint":
            if what == "defer" and (node.type == "check" or any(
                    u.kind == "constraint" for u in self.world.users(node.uid))):
                return None
            table = self.world[node.refs["table"]]
            if what in ("not_valid", "no_inherit") and (node.type != "check" or table.strategy):
                return None
            if what == "actions" and node.type != "foreign":
                return None
        if node.kind == "function":
            if what == "ret" and node.shape != "calc":
                return None
            if what in ("arg", "extra") and node.shape not in ("pred", "calc"):
                return None
            if what == "volatility" and (node.shape not in ("take", "count", "rows", "next")):
                return None
            if what == "lang" and node.shape == "trigger":
                return None
        if node.kind == "column":
            if what in ("identity",) and not node.identity:
                return None
        if node.kind == "domain" and what == "base" and any(
                u.kind == "column" and self.keyed(u) for u in self.world.users(node.uid)):
            return None
        if node.kind == "dictionary" and what == "accept" and old not in (None, "true", "false"):
            return None
        node.attrs[what] = self.pick([v for v in values if v != old])
        return node

    def edit_enum(self):
        node = self.pick(self.world.of("enum"))
        if node is None:
            return None
        labels = node.labels
        what = self.random.random()
        if what < 0.4:
            labels.insert(self.random.randrange(len(labels) + 1), f"new {self.k()}{self.world.last}")
            self.world.last += 1
        elif what < 0.7 and len(labels) > 1:
            labels.remove(self.pick([label for label in labels if label != node.anchor]))
        else:
            self.random.shuffle(labels)
        return node

    def edit_attribute(self):
        """The expression or the columns of what uses a table."""
        node = self.pick(self.world.of("index", "policy", "trigger", "check", "statistics"))
        if node is None or "table" not in node.refs:
            return None
        rel = self.world[node.refs["table"]]
        role = self.pick([r for r in node.refs if r in ("c", "c2", "where", "include", "of",
                                                        "when")])
        if role is None:
            return None
        column = self.pick([c for c in self.world.columns(rel)
                            if self.orderable(c) and c.uid not in node.refs.values()])
        if column:
            node.refs[role] = column.uid
            return node

    def standalone(self, table, role):
        """Give a table that leaves its parent columns of its own."""
        world = self.world
        parent = world[table.refs.pop(role)]
        copies = {}
        for column in world.columns(parent):
            copy = world.add("column", column.name, column.refs, **dict(column.attrs))
            copy.refs["table"] = table.uid
            copy.attrs.update(grants=None, comment=None, identity=None)
            copies[column.uid] = copy.uid
        for uid, copy in copies.items():
            node = world[copy]
            for key, used in list(node.refs.items()):
                node.refs[key] = copies.get(used, used)
            if world[uid].identity:
                node.attrs["not_null"] = True
        for node in list(world.nodes.values()):
            if table.uid in (node.refs.get("table"), node.refs.get("rel")) and \
                    node.uid not in copies.values():
                for key, used in list(node.refs.items()):
                    node.refs[key] = copies.get(used, used)
        return table

    def edit_detach(self):
        node = self.pick([t for t in self.world.of("table") if "parent" in t.refs])
        if node:
            node.attrs["bound"] = None
            return self.standalone(node, "parent")

    def edit_inherit(self):
        tables = self.world.of("table")
        node = self.pick([t for t in tables if "inherits" in t.refs and
                          not any(u.refs.get("inherits") == t.uid for u in tables)])
        if node:
            return self.standalone(node, "inherits")

    def edit_swap(self):
        """Two of a kind exchange their names."""
        kind = self.pick(["function", "index", "enum", "constraint", "sequence"])
        nodes = self.world.of(kind)
        if len(nodes) > 1:
            a, b = self.random.sample(nodes, 2)
            a.name, b.name = b.name, a.name
            return a

    def edit_order(self):
        view = self.pick(self.world.of("view"))
        if view:
            parts = self.world.parts(view.uid)
            orders = [p.order for p in parts]
            self.random.shuffle(orders)
            for part, order in zip(parts, orders):
                part.attrs["order"] = order
        return view

    def edit_sequence(self):
        node = self.pick(self.world.of("sequence"))
        if node:
            if "owner" in node.refs:
                del node.refs["owner"]
            else:
                column = self.pick(self.world.of("column"))
                if column and node.refs:
                    node.refs["owner"] = column.uid
        return node

    def edit_identity(self):
        """A plain column gets an identity, or the other way round."""
        world = self.world
        node = self.pick([c for c in world.of("column") if c.type in INTEGERS and
                          "type" not in c.refs and not c.array and not c.generated and
                          not c.fresh])
        if node is None:
            return None
        table = world[node.refs["table"]]
        if node.identity:
            node.attrs["identity"] = None
            node.attrs["not_null"] = True
            return node
        if self.partitioned(table) or "inherits" in table.refs:
            return None
        for user in world.users(node.uid):
            if user.kind == "default":
                world.remove(user.uid)
        node.attrs.update(identity="BY DEFAULT", not_null=True)
        return node


VALUES = {
    "table": [("rls", [True, False]), ("force_rls", [True, False]), ("fillfactor", [None, 50, 90]),
              ("unlogged", [True, False]), ("identity_full", [True, False])],
    "column": [("k", range(1, 50)), ("identity", ["ALWAYS", "BY DEFAULT"])],
    "domain": [("default", [True, False]), ("base", ["integer", "bigint", "numeric"]),
               ("not_null", [True, False])],
    "dconstraint": [("k", range(1, 50))],
    "sequence": [("by", [1, 2, 3, 7]), ("cache", [1, 5, 9]), ("cycle", [True, False]),
                 ("type", INTEGERS), ("low", [1, 2, 3])],
    "function": [("k", range(1, 50)), ("k", range(1, 50)), ("lang", ["sql", "plpgsql", "atomic"]),
                 ("argname", ["y", "x", "Z z"]), ("strict", [True, False]), ("ret", ["integer", "bigint"]),
                 ("arg", ["bigint", "numeric"]), ("extra", [True, False]),
                 ("volatility", ["STABLE", "VOLATILE"]), ("definer", [True, False]),
                 ("setting", [True, False]), ("cost", [True, False])],
    "procedure": [("k", range(1, 50)), ("default", [True, False])],
    "aggregate": [("k", range(1, 50))],
    "dictionary": [("accept", ["true", "false"])],
    "configuration": [("tokens", ["word", "asciiword", "word, asciiword", "int"])],
    "constraint": [("k", range(1, 50)), ("defer", [0, 1, 2]), ("not_valid", [True, False]),
                   ("no_inherit", [True, False]),
                   ("actions", ["", " ON DELETE CASCADE", " ON UPDATE SET NULL"])],
    "index": [("k", range(1, 50)), ("method", ["btree", "hash"]), ("expression", [True, False]),
              ("descending", [True, False]), ("pattern", [True, False]), ("fillfactor", [None, 60])],
    "statistics": [("kinds", [None, "ndistinct", "mcv"])],
    "trigger": [("enabled", [None, "DISABLE", "ENABLE ALWAYS", "ENABLE REPLICA"]),
                ("event", ["INSERT", "UPDATE", "DELETE"])],
    "policy": [("k", range(1, 50)), ("roles", ["PUBLIC"] + ROLES), ("mode", ["PERMISSIVE", "RESTRICTIVE"]),
               ("command", ["ALL", "SELECT", "INSERT", "UPDATE", "DELETE"])],
    "rule": [("k", range(1, 50)), ("event", ["INSERT", "UPDATE"]), ("where", [True, False])],
    "view": [("k", range(1, 50)), ("where", [None, 0]), ("barrier", [True, False]),
             ("limit", [None, 5])],
    "matview": [("k", range(1, 50)), ("where", [None, 0]), ("limit", [None, 5])],
    "vcol": [("k", range(1, 50)), ("how", ["plain", "calc"])],
}


def fill(a, b):
    """Rows for the tables of world a, such as world b can hold as well."""
    lines = ["SET session_replication_role = replica;"]
    taken = {"FOR VALUES IN (1)": [1], "FOR VALUES FROM (0) TO (2)": [1], "DEFAULT": [1, 2, 3],
             "FOR VALUES IN (2, 3)": [2, 3], "FOR VALUES FROM (2) TO (10)": [2, 3]}
    for table in a.of("table"):
        if "parent" in table.refs:
            continue
        columns = [c for c in a.columns(table) if not c.generated]
        for i in range(1, ROWS + 1):
            if table.strategy and not any(i in taken[t.bound] for t in a.of("table")
                                          if t.refs.get("parent") == table.uid):
                continue
            values = []
            for column in columns:
                other = b.nodes.get(column.uid)
                value = a.value(column, i)
                if other and a.family(column) == "text" and b.family(other) != "text" and \
                        "type" not in column.refs and not column.array and \
                        "type" not in other.refs:
                    value = f"({b.value(other, i)})::text"
                values.append(value)
            names = ", ".join(q(c.name) for c in columns)
            lines.append(f"INSERT INTO {a.id(table)} " + (
                f"({names}) OVERRIDING SYSTEM VALUE VALUES ({', '.join(values)});"
                if columns else "DEFAULT VALUES;"))
    for view in a.of("matview"):
        lines.append(f"REFRESH MATERIALIZED VIEW {a.id(view)};")
    return "\n".join(lines) + "\nRESET session_replication_role;\n"


def kept(a, b):
    """Queries whose results are the same in both: what both can hold."""
    queries = []
    for table in a.of("table"):
        other = b.nodes.get(table.uid)
        if other is None or a.id(table) != b.id(other) or \
                table.strategy or other.strategy:
            continue
        theirs = {c.name: b.signature(c) for c in b.columns(other) if not c.generated}
        columns = [q(c.name) + "::text" for c in a.columns(table)
                   if not c.generated and theirs.get(c.name) == a.signature(c)]
        if columns:
            queries.append(f"SELECT {', '.join(columns)} FROM ONLY {a.id(table)} "
                           f"ORDER BY {', '.join(map(str, range(1, len(columns) + 1)))};")
    return "\n".join(queries)


def pair(seed, size=30, edits=8):
    """The sections of a random pair, and what was edited."""
    generator = Generator(seed)
    generator.grow(size)
    editor = Editor(generator, seed + 1_000_000)
    editor.edit(edits)
    a, b = generator.world, editor.world
    if seed % 2:
        a, b = b, a
    return {"from": Writer(a).sql(), "to": Writer(b).sql(), "rows": fill(a, b),
            "keep": kept(a, b)}, editor.log
