"""From a world to SQL, in an order in which it runs."""
from tools.world import FAMILY, ROWS, lit, q

FUNCTION_KINDS = {"function": "FUNCTION", "procedure": "PROCEDURE"}
OBJECT = {
    "schema": "SCHEMA", "enum": "TYPE", "composite": "TYPE", "range": "TYPE",
    "domain": "DOMAIN", "collation": "COLLATION", "sequence": "SEQUENCE",
    "table": "TABLE", "view": "VIEW", "matview": "MATERIALIZED VIEW",
    "function": "FUNCTION", "procedure": "PROCEDURE", "aggregate": "AGGREGATE",
    "operator": "OPERATOR", "statistics": "STATISTICS",
    "dictionary": "TEXT SEARCH DICTIONARY",
    "configuration": "TEXT SEARCH CONFIGURATION",
}
GRANT_ON = {"aggregate": "FUNCTION", "view": "TABLE", "matview": "TABLE", "composite": "TYPE"}


class Writer:
    def __init__(self, world):
        self.world = world
        self.written = set()
        self.lines = []

    def sql(self):
        for node in sorted(self.world.nodes.values(), key=lambda n: not n.early):
            self.write(node)
        for node in self.world.of("sequence"):
            self.own(node)
        for node in self.world.nodes.values():
            self.finish(node)
        return "\n".join(line + ";" for line in self.lines) + "\n"

    def needs(self, node):
        world = self.world
        refs = list(node.refs.values())
        if node.kind == "table":
            for column in world.own_columns(node):
                refs += [uid for role, uid in column.refs.items() if role != "table"]
                refs += [uid for uid in column.refs.values()
                         if world[uid].kind == "column"]
        if node.kind in ("view", "matview", "composite"):
            for part in world.parts(node.uid):
                refs += part.refs.values()
        if node.kind == "sequence":
            # ownership is a statement at the end
            refs = [uid for role, uid in node.refs.items() if role != "owner"]
        return refs

    def write(self, node):
        if node.uid in self.written:
            return
        self.written.add(node.uid)
        for uid in self.needs(node):
            self.write(self.world[uid])
        method = getattr(self, "write_" + node.kind, None)
        if method:
            for line in method(node) or []:
                self.lines.append(line)
        if node.kind == "domain":
            # the server adds none to a domain of whose arrays there are columns
            for constraint in self.world.of("dconstraint"):
                if constraint.refs["domain"] == node.uid:
                    self.write(constraint)

    def address(self, node):
        world = self.world
        if node.kind == "schema":
            return "SCHEMA " + q(node.name)
        if node.kind in ("column", "vcol"):
            rel = world[node.refs.get("table") or node.refs["view"]]
            return f"COLUMN {world.id(rel)}.{q(node.name)}"
        if node.kind == "cattr":
            return f"COLUMN {world.id(world[node.refs['type_of']])}.{q(node.name)}"
        if node.kind in ("constraint", "trigger", "policy", "rule"):
            table = world.id(world[node.refs["table"]])
            return f"{node.kind.upper()} {q(node.name)} ON {table}"
        if node.kind == "dconstraint":
            domain = world.id(world[node.refs["domain"]])
            return f"CONSTRAINT {q(node.name)} ON DOMAIN {domain}"
        if node.kind == "index":
            return "INDEX " + world.id(node)
        name = world.id(node)
        if node.kind in FUNCTION_KINDS:
            name += f"({self.arguments(node, False)})"
        if node.kind == "aggregate":
            name += "(bigint)"
        if node.kind == "operator":
            name = f"{q(world.schema_of(node).name)}.{node.name} (bigint, bigint)"
        return f"{OBJECT[node.kind]} {name}"

    def own(self, node):
        world = self.world
        if "owner" in node.refs:
            column = world[node.refs["owner"]]
            table = world.id(world[column.refs["table"]])
            self.lines.append(f"ALTER SEQUENCE {world.id(node)} OWNED BY "
                              f"{table}.{q(column.name)}")

    def finish(self, node):
        out = self.lines.append
        if node.owner and not (node.kind == "sequence" and "owner" in node.refs):
            out(f"ALTER {self.address(node)} OWNER TO {node.owner}")
        if node.comment:
            out(f"COMMENT ON {self.address(node)} IS {lit(node.comment)}")
        for grant in node.grants or []:
            out(self.grant(node, *grant))

    def grant(self, node, privilege, role, option):
        world = self.world
        part = ""
        if node.kind in ("column", "vcol"):
            rel = world[node.refs.get("table") or node.refs["view"]]
            on, part = "TABLE " + world.id(rel), f" ({q(node.name)})"
        else:
            on = self.address(node)
            kind = OBJECT[node.kind]
            on = GRANT_ON.get(node.kind, kind) + on[len(kind):]
        if privilege == "revoke":
            return f"REVOKE ALL ON {on} FROM PUBLIC"
        return (f"GRANT {privilege}{part} ON {on} TO {role}"
                + (" WITH GRANT OPTION" if option else ""))

    # types

    def write_schema(self, node):
        return [f"CREATE SCHEMA {q(node.name)}"]

    def write_collation(self, node):
        return [f"CREATE COLLATION {self.world.id(node)} "
                f"(provider = {node.provider}, locale = {lit(node.locale)})"]

    def write_enum(self, node):
        labels = ", ".join(lit(label) for label in node.labels)
        return [f"CREATE TYPE {self.world.id(node)} AS ENUM ({labels})"]

    def write_domain(self, node):
        default = f" DEFAULT {self.world.plain_value(node.base, 2)}" if node.default else ""
        return [f"CREATE DOMAIN {self.world.id(node)} AS {node.base}{default}"
                + (" NOT NULL" if node.not_null else "")]

    def write_dconstraint(self, node):
        domain = self.world[node.refs["domain"]]
        world = self.world
        test = {"int": f"VALUE > {-node.k}", "num": f"VALUE > {-node.k}",
                "text": f"length(VALUE) < {100 + node.k}"}[FAMILY[domain.base]]
        return [f"ALTER DOMAIN {world.id(domain)} ADD CONSTRAINT {q(node.name)} "
                f"CHECK ({test})"]

    def write_composite(self, node):
        world = self.world
        parts = ", ".join(f"{q(a.name)} {world.type(a)[0]}" for a in world.parts(node.uid))
        return [f"CREATE TYPE {world.id(node)} AS ({parts})"]

    def write_range(self, node):
        return [f"CREATE TYPE {self.world.id(node)} AS RANGE (subtype = {node.subtype}, "
                f"multirange_type_name = {q(self.world.schema_of(node).name)}."
                f"{q('m_' + node.name)})"]

    def write_sequence(self, node):
        cycle = " CYCLE" if node.cycle else ""
        return [f"CREATE SEQUENCE {self.world.id(node)} AS {node.type} INCREMENT {node.by} "
                f"MINVALUE {node.low} START {node.start} CACHE {node.cache}{cycle}"]

    # routines

    def arguments(self, node, defaults=True):
        world = self.world
        if node.kind == "procedure":
            return f"a bigint{' DEFAULT ' + str(node.k) if node.default and defaults else ''}"
        if node.shape in ("pred", "calc", "text"):
            text = f"{q(node.argname)} {node.arg}"
            if node.extra:
                text += ", extra integer" + (" DEFAULT 1" if defaults else "")
            return text
        if node.shape == "acc":
            return "a bigint, b bigint"
        if node.shape == "take":
            return f"a {world.id(world[node.refs['type']])}"
        return ""

    def write_function(self, node):
        world = self.world
        arg = q(node.argname) if node.argname else None
        k = node.k
        rets = node.ret
        if node.shape == "pred":
            body = f"{arg} > {-k}"
        elif node.shape == "calc":
            body = f"({arg} + {k})::{node.ret}"
        elif node.shape == "text":
            body = f"{arg} || '{k}'"
        elif node.shape == "next":
            body = f"({k} + 1)::bigint"
        elif node.shape == "acc":
            body = f"a + b + {k}"
        elif node.shape == "take":
            body = f"a::text || '{k}'"
            rets = "text"
        elif node.shape == "count":
            rel = world[node.refs["rel"]]
            column = world[node.refs["src"]]
            body = f"(SELECT count({q(column.name)}) + {k} FROM {world.id(rel)})"
            rets = "bigint"
        elif node.shape == "rows":
            rel = world[node.refs["rel"]]
            return [f"CREATE FUNCTION {world.id(node)}() RETURNS SETOF {world.id(rel)} "
                    f"LANGUAGE sql STABLE AS $f$ SELECT * FROM {world.id(rel)} "
                    f"LIMIT {k} $f$"]
        elif node.shape == "trigger":
            return [f"CREATE FUNCTION {world.id(node)}() RETURNS trigger LANGUAGE plpgsql "
                    f"AS $f$ BEGIN /* {k} */ RETURN NEW; END $f$"]
        head = (f"CREATE FUNCTION {world.id(node)}({self.arguments(node)}) "
                f"RETURNS {rets} LANGUAGE {'sql' if node.lang == 'atomic' else node.lang} "
                f"{node.volatility}{' STRICT' if node.strict else ''}"
                f"{' SECURITY DEFINER' if node.definer else ''}"
                f"{' COST 7' if node.cost else ''}"
                f"{' SET search_path = pg_catalog' if node.setting else ''}")
        if node.lang == "atomic":
            return [f"{head} RETURN {body}"]
        if node.lang == "sql":
            return [f"{head} AS $f$ SELECT {body} $f$"]
        return [f"{head} AS $f$ BEGIN RETURN {body}; END $f$"]

    def write_procedure(self, node):
        return [f"CREATE PROCEDURE {self.world.id(node)}({self.arguments(node)}) "
                f"LANGUAGE sql AS $f$ SELECT {node.k} $f$"]

    def write_aggregate(self, node):
        function = self.world[node.refs["fn"]]
        return [f"CREATE AGGREGATE {self.world.id(node)}(bigint) (SFUNC = "
                f"{self.world.id(function)}, STYPE = bigint, INITCOND = '{node.k}')"]

    def write_operator(self, node):
        function = self.world[node.refs["fn"]]
        schema = q(self.world.schema_of(node).name)
        return [f"CREATE OPERATOR {schema}.{node.name} (FUNCTION = "
                f"{self.world.id(function)}, LEFTARG = bigint, RIGHTARG = bigint)"]

    # tables

    def column(self, node):
        world = self.world
        text = f"{q(node.name)} {world.type(node)[0]}"
        if "collation" in node.refs:
            text += f" COLLATE {world.id(world[node.refs['collation']])}"
        if node.generated:
            source = world[node.refs["gen"]]
            if "fn" in node.refs and world.takes(world[node.refs["fn"]], source):
                call = f"({world.call(world[node.refs['fn']], source)})::text"
                if world.type(node)[0] == "bigint":
                    call = f"length({call})"
                return f"{text} GENERATED ALWAYS AS ({call}) STORED"
            return f"{text} GENERATED ALWAYS AS ({world.calculate(source, node.k)[0]}) STORED"
        if node.identity:
            options = [f"START {node.start} INCREMENT {node.by}"] if node.by else []
            # the server chooses one name for two columns whose names it shortens
            if len(node.name) > 40:
                options.insert(0, f"SEQUENCE NAME {q('identity' + str(node.uid))}")
            options = f" ({' '.join(options)})" if options else ""
            text += f" GENERATED {node.identity} AS IDENTITY{options}"
        elif node.not_null:
            text += " NOT NULL"
        return text

    def write_table(self, node):
        world = self.world
        unlogged = "UNLOGGED " if node.unlogged else ""
        if "parent" in node.refs:
            text = (f"CREATE TABLE {world.id(node)} PARTITION OF "
                    f"{world.id(world[node.refs['parent']])} {node.bound}")
        else:
            columns = ",\n    ".join(self.column(c) for c in world.own_columns(node))
            text = f"CREATE {unlogged}TABLE {world.id(node)} (\n    {columns}\n)"
            if "inherits" in node.refs:
                text += f" INHERITS ({world.id(world[node.refs['inherits']])})"
        if node.strategy:
            text += f" PARTITION BY {node.strategy} ({q(world[node.refs['key']].name)})"
        if node.fillfactor and not node.strategy:
            text += f" WITH (fillfactor = {node.fillfactor})"
        yield text
        table = f"ALTER TABLE {world.id(node)}"
        if node.rls:
            yield f"{table} ENABLE ROW LEVEL SECURITY"
        if node.force_rls:
            yield f"{table} FORCE ROW LEVEL SECURITY"
        if node.identity_full and not node.strategy:
            yield f"{table} REPLICA IDENTITY FULL"
        for column in world.own_columns(node):
            alter = f"{table} ALTER COLUMN {q(column.name)}"
            if column.statistics:
                yield f"{alter} SET STATISTICS {column.statistics}"
            if column.storage and world.family(column) == "text":
                yield f"{alter} SET STORAGE {column.storage}"
            if column.n_distinct:
                yield f"{alter} SET (n_distinct = {column.n_distinct})"

    def write_default(self, node):
        world = self.world
        column = world[node.refs["column"]]
        family = world.family(column)
        if "seq" in node.refs and family in ("int", "num", "text"):
            value = f"nextval({lit(world.id(world[node.refs['seq']]))}::regclass)"
        elif "fn" in node.refs and family in ("int", "num", "text"):
            value = f"{world.id(world[node.refs['fn']])}()"
        else:
            value = world.value(column, 1 + node.k % ROWS)
        table = world.id(world[column.refs["table"]])
        return [f"ALTER TABLE {table} ALTER COLUMN {q(column.name)} SET DEFAULT {value}"]

    def has_children(self, table):
        return any(table.uid in (t.refs.get("parent"), t.refs.get("inherits"))
                   for t in self.world.of("table"))

    def write_constraint(self, node):
        world = self.world
        table = world[node.refs["table"]]
        column = world[node.refs["c"]]
        defer = {1: " DEFERRABLE", 2: " DEFERRABLE INITIALLY DEFERRED"}.get(node.defer, "")
        if node.type == "check":
            if "fn" in node.refs and world.takes(world[node.refs["fn"]], column):
                test = f"({world.call(world[node.refs['fn']], column)})::text <> ''"
            else:
                test = world.predicate(column, node.k)
            text = f"CHECK ({test})" + (" NO INHERIT" if node.no_inherit else "") + \
                (" NOT VALID" if node.not_valid and not self.has_children(table) else "")
        elif node.type == "foreign":
            target = world[node.refs["target"]]
            text = (f"FOREIGN KEY ({q(column.name)}) REFERENCES "
                    f"{world.id(world[target.refs['table']])} "
                    f"({q(world[target.refs['c']].name)}){node.actions}{defer}")
            if node.not_valid:
                text += " NOT VALID"
        elif node.type == "exclude":
            text = f"EXCLUDE USING btree ({q(column.name)} WITH =){defer}"
        else:
            columns = q(column.name)
            if "c2" in node.refs:
                columns += ", " + q(world[node.refs["c2"]].name)
            nulls = " NULLS NOT DISTINCT" if node.nulls and node.type == "UNIQUE" else ""
            text = f"{node.type}{nulls} ({columns}){defer}"
        return [f"ALTER TABLE {world.id(table)} ADD CONSTRAINT {q(node.name)} {text}"]

    def write_index(self, node):
        world = self.world
        table = world[node.refs["table"]]
        parts = []
        for role in ("c", "c2"):
            if role not in node.refs:
                continue
            column = world[node.refs[role]]
            if node.expression and role == "c":
                if "fn" in node.refs and world.takes(world[node.refs["fn"]], column):
                    part = f"({world.call(world[node.refs['fn']], column)})"
                else:
                    part = f"({world.calculate(column, node.k)[0]})"
            else:
                part = q(column.name)
                if node.pattern and world.type(column)[0] == "text":
                    part += " text_pattern_ops"
            if node.descending and node.method == "btree":
                part += " DESC NULLS LAST"
            parts.append(part)
        method = node.method
        if method == "hash":
            parts = parts[:1]
        text = (f"CREATE {'UNIQUE ' if node.unique else ''}INDEX {q(node.name)} ON "
                f"{world.id(table)} USING {method} ({', '.join(parts)})")
        if "include" in node.refs and method == "btree":
            text += f" INCLUDE ({q(world[node.refs['include']].name)})"
        if node.fillfactor:
            text += f" WITH (fillfactor = {node.fillfactor})"
        if "where" in node.refs:
            text += f" WHERE {world.predicate(world[node.refs['where']], node.k)}"
        return [text]

    def write_statistics(self, node):
        world = self.world
        c, c2 = world[node.refs["c"]], world[node.refs["c2"]]
        kinds = f" ({node.kinds})" if node.kinds else ""
        return [f"CREATE STATISTICS {world.id(node)}{kinds} ON {q(c.name)}, {q(c2.name)} "
                f"FROM {world.id(world[node.refs['table']])}"]

    def write_trigger(self, node):
        world = self.world
        rel = world[node.refs["table"]]
        event = node.event
        if "of" in node.refs and event == "UPDATE" and node.timing != "INSTEAD OF":
            event += f" OF {q(world[node.refs['of']].name)}"
        when = ""
        if "when" in node.refs and node.level == "ROW" and node.timing != "INSTEAD OF" and \
                node.event != "DELETE":
            column = world[node.refs["when"]]
            if not (column.generated and node.timing == "BEFORE"):
                when = f" WHEN ({world.predicate(column, node.k, 'NEW.')})"
        constraint = node.constraint and node.timing == "AFTER" and node.level == "ROW"
        kind = "CONSTRAINT TRIGGER" if constraint else "TRIGGER"
        defer = " DEFERRABLE INITIALLY DEFERRED" if constraint else ""
        yield (f"CREATE {kind} {q(node.name)} {node.timing} {event} ON {world.id(rel)}{defer} "
               f"FOR EACH {node.level}{when} EXECUTE FUNCTION "
               f"{world.id(world[node.refs['fn']])}()")
        if node.enabled and rel.kind == "table":
            yield f"ALTER TABLE {world.id(rel)} {node.enabled} TRIGGER {q(node.name)}"

    def write_policy(self, node):
        world = self.world
        column = world[node.refs["c"]]
        test = world.predicate(column, node.k)
        if "fn" in node.refs and world.takes(world[node.refs["fn"]], column):
            test = f"({world.call(world[node.refs['fn']], column)})::text <> ''"
        using = f" USING ({test})" if node.command != "INSERT" else ""
        check = f" WITH CHECK ({test})" if node.command in ("INSERT", "ALL") else ""
        return [f"CREATE POLICY {q(node.name)} ON {world.id(world[node.refs['table']])} "
                f"AS {node.mode} FOR {node.command} TO {node.roles}{using}{check}"]

    def write_rule(self, node):
        world = self.world
        rel = world[node.refs["table"]]
        column = world[node.refs["c"]]
        where = f" WHERE NOT ({world.predicate(column, node.k, 'NEW.')})" if node.where else ""
        do = f"ALSO NOTIFY {q('n' + str(node.k))}" if not where else "INSTEAD NOTHING"
        if rel.kind == "view":
            do, where = "INSTEAD NOTHING", ""
        return [f"CREATE RULE {q(node.name)} AS ON {node.event} TO {world.id(rel)}{where} "
                f"DO {do}"]

    # views

    def write_view(self, node):
        world = self.world
        parts = world.parts(node.uid)
        rels = []
        for part in parts:
            if part.refs["rel"] not in rels:
                rels.append(part.refs["rel"])
        alias = {uid: f"t{i}" for i, uid in enumerate(rels)}
        columns = []
        for part in parts:
            prefix = alias[part.refs["rel"]] + "."
            src = world[part.refs["src"]]
            text = prefix + q(src.name) if part.how == "plain" else \
                world.computed(part, prefix)[0]
            columns.append(f"{text} AS {q(part.name)}")
        sources = ", ".join(f"{world.id(world[uid])} {alias[uid]}" for uid in rels)
        body = "SELECT " + ",\n    ".join(columns) + f"\nFROM {sources}"
        if node.where is not None and node.where < len(parts):
            part = parts[node.where]
            src = world[part.refs["src"]]
            body += "\nWHERE " + world.predicate(src, node.k, alias[part.refs["rel"]] + ".")
        if node.limit:
            body += f"\nLIMIT {node.limit}"
        options = " WITH (security_barrier = true)" if node.barrier and node.kind == "view" else ""
        kind = "MATERIALIZED VIEW" if node.kind == "matview" else "VIEW"
        return [f"CREATE {kind} {world.id(node)}{options} AS {body}"]

    write_matview = write_view

    # text search, default privileges

    def write_dictionary(self, node):
        return [f"CREATE TEXT SEARCH DICTIONARY {self.world.id(node)} (TEMPLATE = "
                f"pg_catalog.simple, accept = {lit(node.accept)})"]

    def write_configuration(self, node):
        name = self.world.id(node)
        yield f"CREATE TEXT SEARCH CONFIGURATION {name} (PARSER = pg_catalog.default)"
        used = "pg_catalog.simple"
        if "dictionary" in node.refs:
            used = self.world.id(self.world[node.refs["dictionary"]])
        yield (f"ALTER TEXT SEARCH CONFIGURATION {name} ADD MAPPING FOR {node.tokens} "
               f"WITH {used}")

    def write_defpriv(self, node):
        where = ""
        if "schema" in node.refs:
            where = f" IN SCHEMA {q(self.world[node.refs['schema']].name)}"
        return [f"ALTER DEFAULT PRIVILEGES FOR ROLE postgres{where} GRANT {node.privilege} "
                f"ON {node.on} TO {node.role}"]

