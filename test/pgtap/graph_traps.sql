-- What the revision graph must get right: the situations in which Alembic is
-- surprising, ambiguous or wrong, run through the SQL interface.
--
-- Each graph is a project of its own, whose scripts do nothing.  For each
-- situation the state is stamped, the command run, and its outcome compared:
-- the set of steps, the current heads afterwards, or the error.  Where several
-- orders of the steps would do, it is only checked that none of them runs
-- before what it needs, or is undone before what needs it.

\set QUIET on
SET client_min_messages = warning;

BEGIN;

CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS databrain_migrate;

-- The graphs, in a notation of their own: "id<-parents deps=dependencies
-- [label]", one revision after another, and "x,y<-a" for two of the same kind.
CREATE TEMP TABLE graph (name text PRIMARY KEY, revisions text NOT NULL);
INSERT INTO graph VALUES
	('lin', 'a<-; b<-a; c<-b; d<-c; e<-d'),
	('br', 'a<-; b<-a; c1<-b [c1branch]; d1<-c1; c2<-b [c2branch]; d2<-c2'),
	('brf', 'a<-; b<-a; c1<-b [feature-1]; d1<-c1; c2<-b; d2<-c2'),
	('mg', 'a<-; b<-a; c1<-b; d1<-c1; c2<-b [c2branch]; d2<-c2; e<-d1,d2; f<-e'),
	('tw', 'a<-; b1,b2,b3<-a; c1,c2<-b1,b2,b3; d1<-c1; d2<-c2'),
	('nt', 'a<-; b1,b2,b3<-a; c1<-b1,b2; c2<-b2,b3; d1<-c1; d2<-c2'),
	('bf', 'a1<-; b1<-a1; c1<-b1; a2<-; b2<-a2; c2<-b2; d1<-c1,c2; d2<-c2'),
	('bf3', 'a1<-; b1<-a1; c1<-b1; a2<-; b2<-a2; c2<-b2; a3<-; b3<-a3; c3<-b3; d1<-c1,c2,c3; d2<-c2; d3<-c3'),
	('ah', 'a<-; b1<-a; b2<-a; b2x<-b2; m<-b1,b2'),
	('dp', 'a1<- [lib1]; b1<-a1; c1<-b1; a2<-; b2<-a2; c2<-b2 deps=c1; d1<-c1; e1<-d1; f1<-e1'),
	('eh', 'a1<- [x]; a2<-a1; b1<- [y]; b2<-b1 deps=a2'),
	('xy', 'y1<- [y]; x1<- [x]; y2<-y1 deps=x1; x2<-x1'),
	('x3', 'base1<- [b_1]; base2<- [b_2]; base3<- [b_3]; a3<-base3; b3<-a3; a1a<-base1; a1b<-base1; b1a<-a1a; b1b<-a1b deps=a3; a2<-base2; b2<-a2; c2<-b2 deps=a3; d2<-c2'),
	('cc', 'a1<-; a2<-a1; b1<-; b2<-b1 deps=a2; b3<-b2; a3<-a2 deps=b1'),
	('dk', 'a1,a2,a3<-; am<-a1,a2,a3; b1,b2<-; bm<-b1,b2; c1,c2,c3<-; cm<-c1,c2,c3; d1<- deps=a3,b2,c1'),
	('bx', 'a<-; b<-a; c1<-b [c1branch]; d1<-c1; c2<-b [c2branch]; d2<-c2 deps=c1'),
	('md', 'a1<- [A]; a2<-a1; b1<- [B]; b2<-b1; c1<- deps=a2,b2 [C]; c2<-c1'),
	('fo', 'a1<- [A]; b1<-a1; a2<- [B]; b2<-a2'),
	('stem', 'a<- [x]; b1<-a; b2<-a'),
	('over', 'a<-; b<-a; c<-b; m<-a,c'),
	('overz', 'a<-; b<-a; c<-b; m<-a,c; z<-'),
	('twice', 'a<-; b<-a; c<-a; m<-b,c deps=a'),
	('own', 'a1<-; a2<-a1 deps=a1'),
	('again', 'a1<-; a2<-a1; a3<-a2; b1<-; b2<-b1 deps=a3; b3<-b2; b4<-b3 deps=a3'),
	('both', 'a1<-; b1<- deps=a1; bm<-a1,b1'),
	('bothz', 'a1<-; b1<- deps=a1; bm<-a1,b1; z<-'),
	('names', 'user_foo<-; user<-user_foo; abcd1111<-; abcd2222<-abcd1111; xyz<-; q1<- [warehouse]; q2<-q1'),
	('line', 'a<-; b<-a [x]; c<-b; d<-c'),
	('linefork', 'a<-; b<-a [x]; c<-b; d1<-c; d2<-c'),
	('linedep', 'a<-; b<-a [x]; c<-b; z<- deps=a');

-- What can go wrong, and how it is told.
CREATE TEMP TABLE kind (name text PRIMARY KEY, code text, message text);
INSERT INTO kind VALUES
	('NO-REV', '42704', 'revision "%" does not exist in project "%"'),
	('NO-BRANCH', '42704', 'branch "%" does not exist in project "%"'),
	('AMB-ID', '42P09', 'abbreviated revision "%" is ambiguous in project "%"'),
	('MULTI', '21000', 'target "%" stands for several revisions of project "%", but one is needed'),
	('AMB-WALK', '21000', 'relative target "%" is ambiguous because the walk can go several ways'),
	('AMB-CUR', '21000', 'target "%" is ambiguous because project "%" has several current revisions'),
	('TOO-FEW', '22003', 'relative target "%" asks for more revisions than project "%" has there'),
	('TOO-FAR', '22003', 'target "%" walks too far'),
	('NOT-UP', '22003', 'relative target "%" cannot be reached by an upgrade'),
	('NOT-DOWN-BY-SIGN', '22003', 'relative target "%" cannot be reached by a downgrade'),
	('NOT-MEMBER', '22023', 'revision "%" is not a member of branch "%"'),
	('NOT-ANC', '22023', 'revision "%" is not an ancestor of "%"'),
	('OVERLAP', '22023', 'revisions of target "%" overlap'),
	('INVALID', '22023', 'invalid target "%"'),
	('EMPTY', '22023', 'target must not be empty'),
	('NOT-DOWN', '55000', '"%" is not a valid downgrade target');

-- The situations: state (its current heads), command and target; then steps or
-- revisions in any order, or "!" and the kind of error; then the current heads
-- after it, where they change.
CREATE TEMP TABLE trap
(
	id int GENERATED ALWAYS AS IDENTITY,
	trap int,
	graph text,
	state text,
	command text,
	target text,
	outcome text,
	heads text
);
INSERT INTO trap (trap, graph, state, command, target, outcome, heads) VALUES
	-- linear and relative
	(1, 'lin', 'c', 'upgrade', 'a', '', 'c'),
	(1, 'lin', 'c', 'upgrade', 'c', '', 'c'),
	(1, 'lin', 'c', 'upgrade', 'base', '', 'c'),
	(2, 'lin', 'c', 'downgrade', 'c', '', 'c'),
	(3, 'lin', 'c', 'downgrade', 'd', '!NOT-DOWN', NULL),
	(3, 'lin', 'c', 'downgrade', 'head', '!NOT-DOWN', NULL),
	(4, 'lin', '', 'downgrade', 'base', '', ''),
	(4, 'lin', '', 'downgrade', 'a', '!NOT-DOWN', NULL),
	(4, 'lin', '', 'downgrade', '-1', '!TOO-FEW', NULL),
	(5, 'lin', 'c', 'downgrade', '-3', 'c b a', ''),
	(5, 'lin', 'c', 'downgrade', '-4', '!TOO-FEW', NULL),
	(6, 'lin', 'd', 'downgrade', 'a+2', 'd', 'c'),
	(6, 'lin', 'd', 'downgrade', '+1', '!NOT-DOWN-BY-SIGN', NULL),
	(7, 'lin', 'c', 'downgrade', 'a-1', 'c b a', ''),
	(7, 'lin', 'c', 'downgrade', 'a-2', '!TOO-FAR', NULL),
	(8, 'lin', 'a', 'upgrade', 'd-2', 'b', 'b'),
	(8, 'lin', 'a', 'upgrade', 'head-1', 'b c d', 'd'),
	(8, 'lin', 'a', 'upgrade', 'base+4', 'b c d', 'd'),
	(8, 'lin', 'a', 'upgrade', '-1', '!NOT-UP', NULL),
	(9, 'lin', 'b', 'upgrade', '+5', '!TOO-FEW', NULL),
	(9, 'lin', 'b', 'upgrade', 'e+1', '!TOO-FAR', NULL),
	(9, 'lin', 'b', 'upgrade', 'e-9', '!TOO-FAR', NULL),
	(10, 'lin', '', 'upgrade', '+1', 'a', 'a'),
	(10, 'lin', '', 'upgrade', 'base+1', 'a', 'a'),
	(11, 'lin', 'c', 'history', '-2:current', 'c b a', NULL),
	(12, 'lin', 'a', 'upgrade', '+1abc', '!INVALID', NULL),
	(12, 'lin', 'a', 'upgrade', '', '!EMPTY', NULL),
	(12, 'brf', 'a', 'upgrade', 'feature-1@head', 'b c1 d1', 'd1'),
	(12, 'brf', 'a', 'upgrade', 'feature-1', 'b c1', 'c1'),
	(12, 'brf', 'a', 'upgrade', 'feature-1-1', 'b', 'b'),

	-- branches without merges
	(13, 'br', '', 'upgrade', 'head', '!MULTI', NULL),
	(13, 'br', '', 'upgrade', 'c1branch@head', 'a b c1 d1', 'd1'),
	(13, 'br', '', 'upgrade', 'c1@head', 'a b c1 d1', 'd1'),
	(13, 'br', '', 'upgrade', 'd1', 'a b c1 d1', 'd1'),
	(13, 'br', '', 'upgrade', 'b@head', '!MULTI', NULL),
	(13, 'br', '', 'upgrade', 'b@heads', 'a b c1 c2 d1 d2', 'd1 d2'),
	(14, 'br', '', 'upgrade', 'heads', 'a b c1 c2 d1 d2', 'd1 d2'),
	(15, 'br', 'c1', 'upgrade', 'c2branch@+1', 'c2', 'c1 c2'),
	(16, 'br', 'c1 c2', 'upgrade', 'c2branch@+1', 'd2', 'c1 d2'),
	(17, 'br', '', 'upgrade', 'c1branch@+1', 'a', 'a'),
	(17, 'br', '', 'upgrade', 'c1branch@+3', 'a b c1', 'c1'),
	(18, 'br', 'b', 'upgrade', '+1', '!AMB-WALK', NULL),
	(18, 'br', 'c1 c2', 'upgrade', '+1', '!AMB-CUR', NULL),
	(19, 'br', 'a', 'upgrade', '+2', '!AMB-WALK', NULL),
	(20, 'br', 'd1', 'upgrade', 'c2branch@d1', '!NOT-MEMBER', NULL),
	(20, 'br', 'd1', 'upgrade', 'c2branch@a', '', 'd1'),
	(21, 'br', 'd1 d2', 'downgrade', 'b', 'd1 c1 d2 c2', 'b'),
	(22, 'br', 'd1 d2', 'downgrade', 'c1branch@b', 'd1 c1', 'd2'),
	(22, 'br', 'd1 d2', 'downgrade', 'c1@b', 'd1 c1', 'd2'),
	(22, 'br', 'd1 d2', 'downgrade', 'd1@b', 'd1 c1', 'd2'),
	(23, 'br', 'd1 d2', 'downgrade', 'c1branch@a', 'd1 c1 d2 c2 b', 'a'),
	(23, 'br', 'd1 d2', 'downgrade', 'c1branch@base', 'd1 c1 d2 c2 b a', ''),
	(24, 'br', 'd1 d2', 'downgrade', 'c2branch@base+2', 'd2 c2', 'd1'),
	(24, 'br', 'd1 d2', 'downgrade', 'base+2', 'd1 c1 d2 c2', 'b'),
	(25, 'br', 'd1 d2', 'downgrade', 'd2-2', 'd1 c1 d2 c2', 'b'),
	(25, 'br', 'd1 d2', 'downgrade', 'c2branch@d2-2', 'd2 c2', 'd1'),
	(26, 'br', 'd1 d2', 'downgrade', '-1', '!AMB-CUR', NULL),
	(27, 'br', 'd1 d2', 'downgrade', 'c1branch@c2', '!NOT-MEMBER', NULL),
	(28, 'br', 'd1', 'downgrade', 'c2branch@-1', '!TOO-FEW', NULL),
	(29, 'br', 'd1 d2', 'downgrade', 'heads', '', 'd1 d2'),
	(29, 'br', 'd1 d2', 'downgrade', 'c1branch@head', '', 'd1 d2'),
	(29, 'br', 'd1', 'downgrade', 'heads', '!MULTI', NULL),
	(29, 'br', 'd1', 'downgrade', 'c2branch@head', '!NOT-DOWN', NULL),
	(30, 'stem', 'b1 b2', 'downgrade', 'x@a', '!NOT-DOWN', NULL),
	(31, 'fo', 'b1 b2', 'downgrade', 'A@base', 'b1 a1', 'b2'),
	(31, 'fo', 'b1 b2', 'downgrade', 'A@-2', 'b1 a1', 'b2'),
	(32, 'fo', 'b1', 'upgrade', 'B@+1', 'a2', 'a2 b1'),
	(32, 'fo', 'b1', 'downgrade', 'B@base', '', 'b1'),
	(33, 'fo', '', 'upgrade', '+1', '!AMB-WALK', NULL),
	(33, 'fo', '', 'upgrade', 'base+1', '!AMB-WALK', NULL),
	(33, 'fo', '', 'upgrade', 'A@+1', 'a1', 'a1'),
	(33, 'fo', '', 'upgrade', 'A@base+1', 'a1', 'a1'),

	-- merges
	(34, 'mg', 'd1 c2', 'upgrade', 'e', 'd2 e', 'e'),
	(35, 'mg', 'c1', 'upgrade', 'e', 'c2 d2 d1 e', 'e'),
	(36, 'mg', 'd1', 'upgrade', '+1', 'c2 d2 e', 'e'),
	(37, 'mg', 'e', 'downgrade', '-1', '!AMB-WALK', NULL),
	(37, 'mg', 'e', 'downgrade', 'e-1', '!AMB-WALK', NULL),
	(37, 'mg', 'e', 'downgrade', 'c2branch@-1', '!AMB-WALK', NULL),
	(37, 'mg', 'f', 'downgrade', '-2', '!AMB-WALK', NULL),
	(38, 'mg', 'e', 'downgrade', 'd1', 'e', 'd1 d2'),
	(39, 'mg', 'f', 'downgrade', 'c1', 'f e d1', 'c1 d2'),
	(40, 'mg', 'e', 'downgrade', 'c2branch@b', 'e d2 c2', 'd1'),
	(41, 'mg', 'f', 'downgrade', 'b', 'f e d1 c1 d2 c2', 'b'),
	(42, 'tw', 'a', 'upgrade', 'heads', 'b1 b2 b3 c1 c2 d1 d2', 'd1 d2'),
	(43, 'tw', 'c1 c2', 'downgrade', 'b1', 'c1 c2', 'b1 b2 b3'),
	(43, 'tw', 'c1 c2', 'downgrade', 'c1@b1', 'c1', 'c2'),
	(44, 'nt', 'd1 d2', 'downgrade', 'b1', 'd1 c1', 'b1 d2'),
	(44, 'nt', 'd1 d2', 'downgrade', 'b2', 'd1 c1 d2 c2', 'b1 b2 b3'),
	(44, 'nt', 'd1 d2', 'downgrade', 'b3', 'd2 c2', 'b3 d1'),
	(45, 'bf', 'd2 b1', 'upgrade', 'd1', 'c1 d1', 'd1 d2'),
	(46, 'bf', 'd2 d1', 'downgrade', 'b1', 'd1 c1', 'b1 d2'),
	(47, 'bf', 'd2 d1', 'downgrade', 'a2@base', 'd1 d2 c2 b2 a2', 'c1'),
	(48, 'bf', 'd2 d1', 'downgrade', 'd2@c2', 'd2', 'd1'),
	(48, 'bf', 'd2 d1', 'downgrade', 'c2', 'd1 d2', 'c1 c2'),
	(49, 'bf3', 'd3 b2 b1', 'upgrade', 'd1', 'c2 c1 d1', 'd1 d3'),
	(49, 'bf3', 'd1 d3', 'upgrade', 'd2', 'd2', 'd1 d2 d3'),
	(50, 'ah', 'b2x', 'upgrade', 'm', 'b1 m', 'b2x m'),
	(51, 'ah', 'm b2x', 'downgrade', 'b1', 'm', 'b1 b2x'),
	(51, 'ah', 'm b2x', 'downgrade', 'b2', 'b2x m', 'b1 b2'),
	(52, 'over', 'm', 'downgrade', 'a', 'm c b', 'a'),
	(53, 'overz', 'm z', 'downgrade', 'c', 'm', 'c z'),
	(54, 'twice', 'b c', 'upgrade', 'm', 'm', 'm'),
	(54, 'twice', '', 'upgrade', 'heads', 'a b c m', 'm'),

	-- dependencies
	(55, 'dp', 'a2', 'upgrade', 'c2', 'a1 b1 c1 b2 c2', 'c2'),
	(56, 'dp', 'c2', 'upgrade', 'lib1@head', 'd1 e1 f1', 'c2 f1'),
	(57, 'dp', 'c2', 'upgrade', '+1', '!TOO-FEW', NULL),
	(58, 'dp', 'c2 d1', 'downgrade', 'c1', 'd1', 'c2'),
	(59, 'dp', 'c2', 'downgrade', 'lib1@-1', 'c2 c1', 'b1 b2'),
	(60, 'dp', 'c2', 'downgrade', 'a2@base', 'c2 b2 a2', 'c1'),
	(61, 'dp', 'c2 f1', 'downgrade', 'lib1@b1', 'c2 f1 e1 d1 c1', 'b1 b2'),
	(62, 'dp', 'c2', 'downgrade', 'c1', '', 'c2'),
	(62, 'eh', 'b2', 'downgrade', 'a2', '', 'b2'),
	(62, 'cc', 'a3', 'downgrade', 'b1', '', 'a3'),
	(63, 'eh', '', 'upgrade', 'head', '!MULTI', NULL),
	(63, 'eh', '', 'upgrade', 'heads', 'a1 a2 b1 b2', 'b2'),
	(64, 'eh', 'b2', 'current', NULL, 'b2=head', NULL),
	(64, 'eh', 'a2 b1', 'current', NULL, 'a2 b1', NULL),
	(65, 'eh', 'b1', 'stamp', 'a2,b2', '!OVERLAP', NULL),
	(65, 'eh', 'b2', 'upgrade', 'heads', '', 'b2'),
	(66, 'xy', 'y2', 'downgrade', 'x@-1', 'y2 x1', 'y1'),
	(67, 'xy', 'x2 y2', 'downgrade', 'x@-1', 'x2', 'y2'),
	(67, 'xy', 'x2 y2', 'downgrade', 'x@base', 'y2 x2 x1', 'y1'),
	(68, 'x3', 'b1a b1b d2 b3', 'downgrade', 'b_3@base', 'b1b d2 c2 b3 a3 base3', 'a1b b1a b2'),
	(69, 'x3', 'b1a b1b d2 b3', 'downgrade', 'a3', 'b3', 'b1a b1b d2'),
	(69, 'x3', 'b1a b1b d2 b3', 'downgrade', 'base3', 'b1b d2 c2 b3 a3', 'a1b b1a b2 base3'),
	(70, 'x3', 'b1a b1b d2 b3', 'downgrade', 'b_2@base', 'd2 c2 b2 a2 base2', 'b1a b1b b3'),
	(71, 'cc', 'a3 b2', 'downgrade', 'b1', 'b2', 'a3'),
	(71, 'cc', 'a3 b2', 'downgrade', 'a2', 'a3', 'b2'),
	(72, 'cc', 'a3 b3', 'downgrade', 'a1', 'b3 b2 a3 a2', 'a1 b1'),
	(73, 'dk', 'am bm cm d1', 'downgrade', 'b2', 'bm', 'am b1 cm d1'),
	(74, 'dk', 'am b1 cm d1', 'downgrade', 'd1@base', 'd1', 'am b1 b2 cm'),
	(75, 'own', 'a2', 'downgrade', 'a1', 'a2', 'a1'),
	(76, 'again', 'b4', 'downgrade', 'b3', 'b4', 'b3'),
	(76, 'again', 'b4', 'downgrade', 'b1', 'b4 b3 b2', 'a3 b1'),
	(77, 'both', 'bm', 'downgrade', 'a1', 'bm', 'b1'),
	(77, 'both', 'bm', 'downgrade', 'b1', 'bm', 'b1'),
	(77, 'bothz', 'bm z', 'downgrade', 'a1', 'bm', 'b1 z'),
	(77, 'bothz', 'bm z', 'downgrade', 'b1', 'bm', 'b1 z'),
	(78, 'bx', 'd2', 'downgrade', 'c1branch@b', 'd2 c1', 'c2'),
	(78, 'bx', 'd2', 'downgrade', 'c2branch@b', 'd2 c2', 'c1'),
	(79, 'bx', 'd1 d2', 'downgrade', 'c1branch@b', 'd1 d2 c1', 'c2'),
	(80, 'md', '', 'upgrade', 'c2', 'b1 b2 a1 a2 c1 c2', 'c2'),
	(80, 'md', 'c2', 'downgrade', 'C@base', 'c2 c1', 'a2 b2'),
	(80, 'md', 'c2', 'downgrade', 'A@base', 'c2 c1 a2 a1', 'b2'),

	-- stamp; its steps are the change of the state
	(81, 'br', 'd1 c2', 'stamp', 'b', NULL, 'b'),
	(81, 'br', 'd1 c2', 'stamp', 'c1branch@base', NULL, 'c2'),
	(81, 'br', 'd1 c2', 'stamp', 'c2branch@head', NULL, 'd1 d2'),
	(82, 'br', 'b', 'stamp', 'd1,d2', NULL, 'd1 d2'),
	(82, 'br', 'b', 'stamp', 'heads', NULL, 'd1 d2'),
	(83, 'br', 'd1 c2', 'stamp', 'heads', NULL, 'd1 d2'),
	(84, 'br', 'd1 d2', 'stamp', 'c1,c2', NULL, 'c1 c2'),
	(84, 'mg', 'e', 'stamp', 'd1,d2', NULL, 'd1 d2'),
	(85, 'br', '', 'stamp', 'b,d1', '!OVERLAP', NULL),
	(85, 'br', '', 'stamp', 'a,d1,d2', '!OVERLAP', NULL),
	(86, 'mg', 'e', 'stamp', 'c2', NULL, 'c2 d1'),
	(86, 'mg', 'e', 'stamp', 'a', NULL, 'a'),
	(87, 'mg', 'd1 c2', 'stamp', 'e', NULL, 'e'),
	(87, 'mg', 'd1 c2', 'stamp', 'c2branch@head', NULL, 'f'),
	(88, 'dp', 'e1 c2', 'stamp', 'b1', NULL, 'b1 b2'),
	(88, 'dp', 'e1 c2', 'stamp', 'lib1@base', NULL, 'b2'),
	(89, 'ah', 'b1 b2x', 'stamp', 'heads', NULL, 'b2x m'),
	(89, 'ah', 'm b2x', 'stamp', 'b1,b2x', NULL, 'b1 b2x'),
	(90, 'lin', 'c', 'upgrade', 'zzz', '!NO-REV', NULL),
	(90, 'lin', 'c', 'downgrade', 'zzz', '!NO-REV', NULL),
	(90, 'lin', 'c', 'stamp', 'zzz', '!NO-REV', NULL),
	(90, 'lin', 'c', 'history', 'zzz:', '!NO-REV', NULL),
	(90, 'br', 'd1 c2', 'purge', 'd2', NULL, 'd2'),
	(90, 'br', 'd1 c2', 'purge', 'base', NULL, ''),

	-- identifiers; the loading errors among the traps follow further below
	(94, 'names', '', 'upgrade', 'user', 'user_foo user', 'user'),
	(98, 'names', '', 'upgrade', 'abcd', '!AMB-ID', NULL),
	(98, 'names', '', 'upgrade', 'abcd1', 'abcd1111', 'abcd1111'),
	(98, 'names', '', 'upgrade', 'xy', '!NO-REV', NULL),
	(98, 'names', '', 'upgrade', 'xyz', 'xyz', 'xyz'),
	(98, 'names', '', 'upgrade', 'ware@head', 'q1 q2', 'q2'),
	(98, 'names', '', 'upgrade', 'war@head', '!NO-BRANCH', NULL),
	(99, 'line', '', 'labelled', 'x', 'a b c d', NULL),
	(99, 'linefork', '', 'labelled', 'x', 'b c d1 d2', NULL),
	(99, 'linedep', '', 'labelled', 'x', 'b c', NULL),
	(100, 'br', '', 'upgrade', 'c1,d1', '!OVERLAP', NULL),
	(100, 'br', '', 'upgrade', 'd1,d1', 'a b c1 d1', 'd1'),
	(100, 'br', '', 'upgrade', 'd1, d2', 'a b c1 d1 c2 d2', 'd1 d2'),
	(101, 'br', '', 'history', 'd1:d2', '!NOT-ANC', NULL),
	(101, 'lin', '', 'history', 'c:a', '!NOT-ANC', NULL),
	(101, 'br', '', 'history', 'c1branch:c2branch@head', '!NOT-ANC', NULL),
	(102, 'br', '', 'history', 'c1branch@base:', 'd1 c1 b a', NULL),
	(103, 'eh', '', 'history', 'x@base:', 'a2 a1', NULL),
	(103, 'dp', '', 'history', 'c1:c2', 'c2 c1', NULL);

SELECT plan((count(*) + 30)::int) FROM trap;

-- Graphs as the tests see them, apart from the engine.
CREATE TEMP TABLE edge (project text, child text, parent text, dependency boolean);

-- Register the scripts of a graph.
CREATE FUNCTION pg_temp.load(project text, revisions text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	item text;
	part text[];
	id text;
	down text[];
	header text;
BEGIN
	FOR item IN SELECT regexp_split_to_table(revisions, '; *') LOOP
		CONTINUE WHEN item = '';
		part := regexp_match(item, '^([^<]+)<-(\S*)(?: deps=(\S+))?(?: \[(\S+)\])?$');
		down := string_to_array(part[2], ',');
		FOREACH id IN ARRAY string_to_array(part[1], ',') LOOP
			header := format(E'-- revision %s\n--\n-- Revision ID: %s\n-- Revises: %s\n',
				id, id, coalesce(nullif(array_to_string(down, ', '), ''), 'base'));
			IF part[3] IS NOT NULL THEN
				header := header || format(E'-- Depends On: %s\n', part[3]);
			END IF;
			IF part[4] IS NOT NULL THEN
				header := header || format(E'-- Branch Labels: %s\n', part[4]);
			END IF;
			PERFORM dbm_register(format('%s--%s--%s.sql', project, coalesce(down[1], 'base'), id),
				header || E'\nSELECT 1;\n');
			PERFORM dbm_register(format('%s--%s--%s.sql', project, id, coalesce(down[1], 'base')),
				header || E'\nSELECT 2;\n');
			INSERT INTO edge
			SELECT project, id, parent, false FROM unnest(down) parent
			UNION ALL
			SELECT project, id, parent, true FROM unnest(string_to_array(part[3], ',')) parent;
		END LOOP;
	END LOOP;
END
$$;

-- A list of names in one fixed order.
CREATE FUNCTION pg_temp.sorted(names text[]) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(name, ' ' ORDER BY name COLLATE "C"), '') FROM unnest(names) name
$$;

CREATE FUNCTION pg_temp.sorted(names text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.sorted(string_to_array(nullif(names, ''), ' '))
$$;

-- All that these revisions need, themselves included.
CREATE FUNCTION pg_temp.closure(for_project text, heads text[]) RETURNS text[] LANGUAGE sql AS $$
	WITH RECURSIVE below (id) AS (
		SELECT unnest(heads)
		UNION
		SELECT parent FROM below JOIN edge ON child = id WHERE project = for_project
	)
	SELECT coalesce(array_agg(id), '{}') FROM below
$$;

-- Follow the steps of a command; return what is wrong with their order, or an
-- empty text.
CREATE FUNCTION pg_temp.misstep(for_project text, state text[], command text, steps text[])
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. coalesce(cardinality(steps), 0) LOOP
		IF command = 'upgrade' THEN
			IF EXISTS (SELECT FROM edge
				WHERE project = for_project AND child = steps[i] AND parent <> ALL (state)) THEN
				RETURN format(' (%s runs before what it needs)', steps[i]);
			END IF;
			state := state || steps[i];
		ELSE
			IF EXISTS (SELECT FROM edge
				WHERE project = for_project AND parent = steps[i] AND child = ANY (state)) THEN
				RETURN format(' (%s is undone before what needs it)', steps[i]);
			END IF;
			state := array_remove(state, steps[i]);
		END IF;
	END LOOP;
	RETURN '';
END
$$;

-- The current heads according to the engine.
CREATE FUNCTION pg_temp.current_heads(of_project text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.sorted(array_agg(revision)) FROM dbm_current(of_project)
$$;

-- Put a project into a situation, run the command, and tell what came of it in
-- the words of pg_temp.wanted().
CREATE FUNCTION pg_temp.outcome(t trap) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	p text := 'trap_' || t.graph;
	state text[] := pg_temp.closure('trap_' || t.graph, string_to_array(nullif(t.state, ''), ' '));
	steps text[];
	sqlcode text;
	problem text;
BEGIN
	PERFORM dbm_stamp('base', project => p);
	IF t.state <> '' THEN
		PERFORM dbm_stamp(replace(t.state, ' ', ','), project => p);
	END IF;
	IF pg_temp.current_heads(p) <> pg_temp.sorted(t.state) THEN
		RETURN format('state cannot be reached: %s', pg_temp.current_heads(p));
	END IF;

	CASE t.command
		WHEN 'upgrade' THEN
			steps := ARRAY(SELECT revision FROM dbm_upgrade(t.target, p) ORDER BY step);
		WHEN 'downgrade' THEN
			steps := ARRAY(SELECT revision FROM dbm_downgrade(t.target, p) ORDER BY step);
		WHEN 'stamp' THEN
			PERFORM dbm_stamp(t.target, project => p);
			RETURN ' -> ' || pg_temp.current_heads(p);
		WHEN 'purge' THEN
			PERFORM dbm_stamp(t.target, true, p);
			RETURN ' -> ' || pg_temp.current_heads(p);
		WHEN 'history' THEN
			RETURN (SELECT pg_temp.sorted(array_agg(revision)) FROM dbm_history(t.target, p));
		WHEN 'labelled' THEN
			RETURN (SELECT pg_temp.sorted(array_agg(revision)) FROM dbm_history(project => p)
				WHERE t.target = ANY (branch_labels));
		WHEN 'current' THEN
			RETURN (SELECT pg_temp.sorted(array_agg(revision || CASE WHEN is_head THEN '=head' ELSE '' END))
				FROM dbm_current(p));
	END CASE;
	RETURN pg_temp.sorted(steps) || ' -> ' || pg_temp.current_heads(p)
		|| pg_temp.misstep(p, state, t.command, steps);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS sqlcode = RETURNED_SQLSTATE, problem = MESSAGE_TEXT;
	RETURN coalesce(
		(SELECT '!' || name FROM kind WHERE code = sqlcode AND problem LIKE message),
		format('!%s %s', sqlcode, problem));
END
$$;

-- What should come of it.
CREATE FUNCTION pg_temp.wanted(t trap) RETURNS text LANGUAGE sql AS $$
	SELECT CASE
		WHEN t.outcome LIKE '!%' THEN t.outcome
		WHEN t.heads IS NULL THEN pg_temp.sorted(t.outcome)
		ELSE coalesce(pg_temp.sorted(t.outcome), '') || ' -> ' || pg_temp.sorted(t.heads)
	END
$$;

-- The error that a set of revisions is refused with, and its detail.
CREATE FUNCTION pg_temp.refusal(revisions text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text;
	problem text;
	fact text;
BEGIN
	PERFORM pg_temp.load('trap_wrong', revisions);
	PERFORM count(*) FROM dbm_history(project => 'trap_wrong');
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, problem = MESSAGE_TEXT,
		fact = PG_EXCEPTION_DETAIL;
	RETURN format('%s: %s; %s', code, problem, fact);
END
$$;

SELECT lives_ok(format('SELECT pg_temp.load(%L, %L)', 'trap_' || name, revisions),
	format('graph %s loads', name))
FROM graph WHERE name IN ('names', 'brf');

SELECT count(pg_temp.load('trap_' || name, revisions)) AS loaded
FROM graph WHERE name NOT IN ('names', 'brf') \gset

SELECT is(pg_temp.outcome(t), pg_temp.wanted(t),
	format('trap %s: %s {%s} %s %s', trap, graph, state, command, target))
FROM trap t ORDER BY id;

-- 81 to 90: a stamp is one step, from the old to the new current heads
SELECT count(*) AS stamped FROM dbm_stamp('d1', true, 'trap_br') \gset
SELECT results_eq(
	$$SELECT step, direction, revision, from_revisions, statements FROM dbm_stamp('c2', project => 'trap_br')$$,
	$$VALUES (1, 'stamp', 'c2,d1', '{d1}'::text[], 0)$$,
	'a stamp runs nothing and says what it changed');
SELECT is_empty($$SELECT * FROM dbm_stamp('c2', project => 'trap_br')$$,
	'stamping what is there already changes nothing');

-- 91 to 93: what goes round in circles
SELECT matches(pg_temp.refusal('a<-c; b<-a; c<-b; d<-; e<-d'),
	'^42P17: revisions of project "trap_wrong" form a cycle; .*"a", "b", "c"\.',
	'trap 91: a cycle is named, and a healthy island does not hide it');
SELECT matches(pg_temp.refusal('a<-c; b<-a; c<-b; d<-c; e<-d'),
	'^42P17: revisions of project "trap_wrong" form a cycle; .*"a", "b", "c"\.',
	'trap 91: what lies above a cycle is not part of it');
SELECT matches(pg_temp.refusal('x<-; a<-x,a'),
	'^42P17: revision "a" revises itself; .*trap_wrong--x--a\.sql',
	'trap 92: a revision cannot revise itself');
SELECT matches(pg_temp.refusal('a<- deps=a'),
	'^42P17: revision "a" depends on itself; .*trap_wrong--base--a\.sql',
	'trap 92: a revision cannot depend on itself');
SELECT matches(pg_temp.refusal('a<- deps=c; b<-a; c<-b'),
	'^42P17: revisions of project "trap_wrong" form a cycle through their dependencies; .*"a", "b", "c"\.',
	'trap 93: a dependency on what lies above');
SELECT matches(pg_temp.refusal('a1<-; a2<-a1 deps=b2; b1<-; b2<-b1 deps=a2'),
	'^42P17: revisions of project "trap_wrong" form a cycle through their dependencies; .*"a2", "b2"\.',
	'trap 93: two branches that depend on each other');

-- 95 to 97: names that are missing, or there twice
SELECT matches(pg_temp.refusal('b<-nosuch'),
	'^42P17: revision "b" revises "nosuch", which does not exist .*trap_wrong--nosuch--b\.sql',
	'trap 95: a missing parent is named, with the file');
SELECT matches(pg_temp.refusal('abcdef<-; b<- deps=abcd'),
	'^42P17: revision "b" depends on revision "abcd", which does not exist .*trap_wrong--base--b\.sql',
	'trap 95: dependencies cannot be abbreviated in scripts');
SELECT matches(pg_temp.refusal('a<-; abcdef<-a; b<-abcd'),
	'^42P17: revision "b" revises "abcd", which does not exist .*trap_wrong--abcd--b\.sql',
	'trap 95: nor can parents');
SELECT matches(pg_temp.refusal('a<-; b<-a; b<-'),
	'^42710: .*"b".*', 'trap 96: two upgrade scripts for one revision');
SELECT matches(pg_temp.refusal('a<-; b<-a [x]; c<-b [x]'),
	'^42710: branch label "x" of revision "c" is already used by revision "b"',
	'trap 97: one label on two revisions');
SELECT matches(pg_temp.refusal('a<-; b<-a [a]'),
	'^42710: branch label "a" of revision "b" is already used by revision "a"',
	'trap 97: a label that is an identifier');
SELECT matches(pg_temp.refusal('b<- [b]'),
	'^42710: branch label "b" of revision "b" is already used by revision "b"',
	'trap 97: a label that is its own revision''s identifier');
SELECT matches(pg_temp.refusal('b<- [' || word || ']'), '^42602: .*"' || word || '"',
	format('trap 97: %s is no label', word))
FROM unnest(ARRAY['head', 'heads', 'base', 'current']) word;

-- 104: a project without revisions has no graph at all
SELECT throws_ok($$SELECT * FROM dbm_upgrade('head', 'trap_none')$$, '42704',
	'project "trap_none" does not exist', 'trap 104: nothing is known of a project');

-- 105: identifiers, labels, and parents given twice
SELECT matches(pg_temp.refusal('b<- [' || word || ']'), '^42602: .*"' || replace(word, '+', '\+') || '"',
	format('trap 105: %s is no label', word))
FROM unnest(ARRAY['feature+1', 'a@b', 'a:b']) word;
SELECT matches(pg_temp.refusal(word || '<-'), '^42602: ',
	format('trap 105: %s is no identifier', word))
FROM unnest(ARRAY['a+1', 'a@b', 'a:b', 'head']) word;
SELECT matches(pg_temp.refusal('a<-; b<-a,a'),
	'^42P17: revision "b" revises revision "a" twice',
	'trap 105: the same parent twice');

SELECT * FROM finish();
ROLLBACK;
