# SPDX-License-Identifier: GPL-2.0-or-later
# Judges a race of changes (try-change): awk -f race-check.awk HISTORY ACK1 ACK2 ...; ACKn is what node n was told to be published.
# HISTORY: "GENERATION NODE N" from old to new, ACKn: "GENERATION N". Right is: every acknowledged generation is in the history, once, by that node and with
# that number; numbers grow with the generations by one at a time, so that no update is lost; the last one counts every acknowledged one.
function wrong(what) { print "  " what; bad = 1 }
FNR == 1 { for (file = 1; ARGV[file] != FILENAME;) file++ }
file == 1 {
	if ($1 in node) wrong("generation " $1 " is in the history twice")
	if ($1 <= last) wrong("generation " $1 " comes after " last)
	# A number that was never published, because the publish failed after its record was written, is used again by the next change.
	if (seen && $3 != count && $3 != count + 1) wrong("generation " $1 " counts " $3 " after " count ": an update was lost")
	node[$1] = $2; number[$1] = $3; last = $1; count = $3; seen = 1
	next
}
{
	acknowledged++
	if (!($1 in node)) wrong("node " file - 1 " published generation " $1 ", which the history does not have")
	else if (node[$1] != file - 1) wrong("generation " $1 " was acknowledged to node " file - 1 " and is node " node[$1] "'s")
	else if (number[$1] != $2) wrong("generation " $1 " was acknowledged as number " $2 " and is number " number[$1])
	if ($1 in acked) wrong("generation " $1 " was acknowledged twice")
	if ($2 in by) wrong("number " $2 " was acknowledged for generations " by[$2] " and " $1 ": an update was lost")
	acked[$1] = 1; by[$2] = $1
}
END {
	if (count < acknowledged) wrong(acknowledged " changes were acknowledged, " count " are in the state")
	if (!acknowledged) wrong("nothing was acknowledged")
	printf "  %d changes acknowledged, %d in the state, generation %d\n", acknowledged, count, last
	exit bad
}
