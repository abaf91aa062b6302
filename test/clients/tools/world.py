"""A model of schemas, from which SQL is written.

A world is a set of nodes: tables, columns, views, view columns, functions and
so on.  Nodes refer to each other by number, never by name or by text, so a
node can be renamed, moved or retyped and all that uses it is written
accordingly; expressions are derived from the type that a column has when they
are written.  What uses a node that is removed is removed with it.  So any
sequence of edits leaves a world whose SQL the server accepts.

Rows: row i of a table holds "i" in every column, spelled as its type wants it;
every check, key and foreign key is made so that these rows satisfy it.
"""

FAMILY = {
    "smallint": "int", "integer": "int", "bigint": "int",
    "numeric": "num", "numeric(10,2)": "num", "double precision": "num",
    "text": "text", "character varying(20)": "text", "character varying": "text",
    "boolean": "bool", "date": "date", "timestamp without time zone": "date",
    "timestamp with time zone": "date", "interval": "other", "uuid": "other",
    "jsonb": "json", "bytea": "bytes", "inet": "other",
}
ROWS = 3


def q(name):
    return '"' + name.replace('"', '""') + '"'


def lit(text):
    return "'" + text.replace("'", "''") + "'"


class Node:
    def __init__(self, uid, kind, name, refs, attrs):
        self.uid, self.kind, self.name = uid, kind, name
        self.refs, self.attrs = refs, attrs

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self.attrs.get(name)

    def copy(self):
        return Node(self.uid, self.kind, self.name, dict(self.refs),
                    {k: list(v) if isinstance(v, list) else v
                     for k, v in self.attrs.items()})


class World:
    def __init__(self):
        self.nodes = {}
        self.last = 0

    def copy(self):
        world = World()
        world.last = self.last
        world.nodes = {uid: node.copy() for uid, node in self.nodes.items()}
        return world

    def add(self, kind, name, refs=None, **attrs):
        self.last += 1
        refs = {k: v for k, v in (refs or {}).items() if v is not None}
        self.nodes[self.last] = Node(self.last, kind, name, refs, attrs)
        return self.nodes[self.last]

    def __getitem__(self, uid):
        return self.nodes[uid]

    def of(self, *kinds):
        return [n for n in self.nodes.values() if n.kind in kinds]

    def users(self, uid):
        return [n for n in self.nodes.values() if uid in n.refs.values()]

    def remove(self, uid):
        node = self.nodes.pop(uid, None)
        if node is None:
            return
        for user in self.users(uid):
            self.remove(user.uid)
        # nothing is left of what has lost all its parts
        whole = node.refs.get("view") or node.refs.get("type_of")
        if whole in self.nodes and not self.parts(whole):
            self.remove(whole)

    def parts(self, uid):
        return sorted((n for n in self.nodes.values()
                       if uid in (n.refs.get("view"), n.refs.get("type_of"))),
                      key=lambda n: n.order)

    # names

    def schema_of(self, node):
        if node.kind == "sequence" and "owner" in node.refs:
            node = self[self[node.refs["owner"]].refs["table"]]
        if "schema" not in node.refs:
            for whole in ("table", "view", "domain", "type_of", "rel"):
                if whole in node.refs:
                    return self.schema_of(self[node.refs[whole]])
        return self[node.refs["schema"]]

    def id(self, node):
        return q(self.schema_of(node).name) + "." + q(node.name)

    # columns

    def own_columns(self, rel):
        if rel.kind in ("view", "matview"):
            return self.parts(rel.uid)
        return [n for n in self.nodes.values()
                if n.kind == "column" and n.refs["table"] == rel.uid]

    def columns(self, rel):
        """Those of the parent tables first."""
        above = rel.refs.get("parent") or rel.refs.get("inherits")
        return (self.columns(self[above]) if above else []) + self.own_columns(rel)

    def family(self, column):
        return self.type(column)[1]

    def type(self, column):
        """The type of a column, of a table or of a view, and its family."""
        if column.kind == "vcol":
            if column.how == "plain":
                return self.type(self[column.refs["src"]])
            return self.computed(column)[1:]
        if column.generated:
            return self.calculate(self[column.refs["gen"]], 2)[1:]
        if "type" in column.refs:
            used = self[column.refs["type"]]
            text, family = self.id(used), "user"
            if used.kind == "domain":
                family = FAMILY[used.base]
        else:
            text, family = column.type, FAMILY[column.type]
        return (text + "[]", "array") if column.array else (text, family)

    def calculate(self, column, k, prefix=""):
        """An immutable expression of a column: text, type, family."""
        name, family = prefix + q(column.name), self.family(column)
        if family == "int":
            return f"({name})::bigint + {k}", "bigint", "int"
        if family == "num":
            return f"({name})::numeric * {k}", "numeric", "num"
        if family == "text":
            return f"upper(({name})::text)", "text", "text"
        return f"({name} IS NULL)", "boolean", "bool"

    def predicate(self, column, k, prefix=""):
        """One that is true of every row, and immutable."""
        name, family = prefix + q(column.name), self.family(column)
        if column.generated or column.kind == "vcol":
            k = 0
        if family == "int":
            return [f"({name})::bigint > 0", f"({name})::bigint BETWEEN 1 AND 1000",
                    f"({name})::bigint IN (1, 2, 3)",
                    f"(({name})::bigint % 5) <> 0 AND ({name})::bigint < 100"][k % 4]
        if family == "num":
            return [f"({name})::numeric > 0.5", f"({name})::numeric < 1000"][k % 2]
        if family == "text":
            return [f"length(({name})::text) > 0", f"({name})::text <> 'it''s'",
                    f"({name})::text ~ '^.*$'",
                    f"lower(({name})::text) = lower(({name})::text)"][k % 4]
        return [f"({name} IS NULL) OR ({name} IS NOT NULL)",
                f"COALESCE(({name} IS NULL), true) IS NOT NULL"][k % 2]

    def call(self, function, column, prefix=""):
        """A call of a function with a column as its argument."""
        return f"{self.id(function)}(({prefix}{q(column.name)})::{function.arg})"

    def takes(self, function, column):
        family = self.family(column)
        return ((function.shape in ("pred", "calc") and family in ("int",)) or
                (function.shape == "text" and family == "text"))

    def computed(self, vcol, prefix=""):
        src = self[vcol.refs["src"]]
        name = prefix + q(src.name)
        if vcol.how == "call":
            function = self[vcol.refs["fn"]]
            if not self.takes(function, src):
                return f"({name} IS NULL)", "boolean", "bool"
            family = {"pred": "bool", "calc": FAMILY.get(function.ret), "text": "text"}
            return (self.call(function, src, prefix), function.ret,
                    family[function.shape])
        if vcol.how == "operator":
            operator = self[vcol.refs["op"]]
            if self.family(src) != "int":
                return f"({name} IS NULL)", "boolean", "bool"
            schema = q(self.schema_of(operator).name)
            return (f"({name})::bigint OPERATOR({schema}.{operator.name}) 1::bigint",
                    "bigint", "int")
        return self.calculate(src, vcol.k, prefix)

    # values

    def value(self, column, i, as_type=None):
        text, family = self.type(column)
        if "type" in column.refs and not column.generated:
            value = self.user_value(self[column.refs["type"]], i)
        else:
            value = self.plain_value(column.type, i)
        if column.array:
            value = f"ARRAY[{value}]"
        return f"({value})::{text}"

    def plain_value(self, name, i):
        family = FAMILY[name]
        if family in ("int", "num"):
            return str(i)
        if family == "text" or family == "json":
            return f"'{i}'"
        if family == "bool":
            return "true" if i % 2 else "false"
        if family == "date":
            return f"'2020-01-0{i}'"
        if family == "bytes":
            return f"'\\x0{i}'"
        return {"interval": f"'{i} days'", "inet": f"'10.0.0.{i}'",
                "uuid": f"'00000000-0000-0000-0000-00000000000{i}'"}[name]

    def user_value(self, node, i):
        if node.kind == "enum":
            return f"{lit(node.anchor)}::{self.id(node)}"
        if node.kind == "domain":
            return f"{self.plain_value(node.base, i)}::{node.base}"
        if node.kind == "range":
            a = f"{self.plain_value(node.subtype, i)}::{node.subtype}"
            return f"{self.id(node)}({a}, NULL)"
        values = ", ".join(self.value(a, i) for a in self.parts(node.uid))
        return f"ROW({values})::{self.id(node)}"

    def signature(self, column):
        """What makes two columns' values comparable as text."""
        text = self.type(column)[0]
        if "type" in column.refs:
            used = self[column.refs["type"]]
            if used.kind == "composite":
                text += str([(a.name, self.signature(a)) for a in self.parts(used.uid)])
            if used.kind in ("domain", "range"):
                text += str(used.base or used.subtype)
        return text
