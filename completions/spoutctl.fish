# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_spoutctl_global_optspecs
    string join \n h/help V/version
end

function __fish_spoutctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_spoutctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_spoutctl_using_subcommand
    set -l cmd (__fish_spoutctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c spoutctl -n "__fish_spoutctl_needs_command" -s h -l help -d 'Print help'
complete -c spoutctl -n "__fish_spoutctl_needs_command" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_needs_command" -f -a "put" -d 'Make each complete tar archive of the input one finished commit'
complete -c spoutctl -n "__fish_spoutctl_needs_command" -f -a "get" -d 'Read back: a file\'s bytes, a directory, or what a commit holds'
complete -c spoutctl -n "__fish_spoutctl_needs_command" -f -a "pack" -d 'Make tar archives of messages: the lines, JSON values or frames that a consumer prints'
complete -c spoutctl -n "__fish_spoutctl_needs_command" -f -a "tail" -d 'Follow a branch: each finished commit once, in order, as a line, as JSON, or as a tar archive'
complete -c spoutctl -n "__fish_spoutctl_needs_command" -f -a "serve" -d 'Serve the embedded store in DIR as pachd would, through gRPC and HTTP: spouts without a cluster'
complete -c spoutctl -n "__fish_spoutctl_needs_command" -f -a "spool" -d 'Show what a spool holds, and decide about what does not go on'
complete -c spoutctl -n "__fish_spoutctl_needs_command" -f -a "squash" -d 'Squash the old commits of a branch into those that are kept, so that a long history becomes a short one'
complete -c spoutctl -n "__fish_spoutctl_needs_command" -f -a "validate" -d 'Find what is wrong with spout specs, without a cluster'
complete -c spoutctl -n "__fish_spoutctl_needs_command" -f -a "explain" -d 'Say why a rule of `validate` is one'
complete -c spoutctl -n "__fish_spoutctl_needs_command" -f -a "schema" -d 'Print a JSON Schema of pipeline specs, for editors'
complete -c spoutctl -n "__fish_spoutctl_needs_command" -f -a "lsp" -d 'Serve an editor: what `validate` says while a spec is typed, what fields mean, what may be written'
complete -c spoutctl -n "__fish_spoutctl_needs_command" -f -a "create" -d 'Write the spec of a new spout, and with --with-code its code; with -f create pipelines from specs'
complete -c spoutctl -n "__fish_spoutctl_needs_command" -f -a "auth" -d 'Log in to pachd, and keep the token in pachctl\'s configuration'
complete -c spoutctl -n "__fish_spoutctl_needs_command" -f -a "config" -d 'Show what holds here, and where each of it was said: pachd\'s address, token, project; preferred options'
complete -c spoutctl -n "__fish_spoutctl_needs_command" -f -a "doctor" -d 'Look at everything that a `put` needs: address, network, certificate, pachd, token, repo, branch, permission'
complete -c spoutctl -n "__fish_spoutctl_needs_command" -f -a "completions" -d 'Print what makes a shell complete our words'
complete -c spoutctl -n "__fish_spoutctl_needs_command" -f -a "man" -d 'Print the man page of a verb, or of the program'
complete -c spoutctl -n "__fish_spoutctl_needs_command" -f -a "spout" -d 'The same verbs, for those who think of them as `spout put` and `spout get`'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -s m -l message -d 'Say this in each commit\'s description' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l stream -d 'Name the stream, so that its numbers go on where an earlier run ended' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l in-flight -d 'Let up to N commits wait to be finished before the next one is closed' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l batch -d 'adaptive: what arrives while a commit is being finished becomes the next one, together' -r -f -a "adaptive\t'As soon as there is room, and at a bound'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l staging -d 'Make commits on BRANCH first; move the destination\'s branch to each when it is finished without an error' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l route -d 'Put the files that GLOB means, and those in directories that it means, into this repo instead of DEST' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l from -d 'Read topics of Kafka instead of the input: kafka://HOST[:PORT][,HOST…]/TOPIC[,TOPIC…]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l kafka-config -d 'Take settings of librdkafka from FILE, NAME=VALUE a line: TLS, SASL, …' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l start -d 'Where a topic begins of which nothing is committed: earliest, latest or a time [default: earliest]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l on-gap -d 'What happens where the broker has no longer what comes next [default: stop]' -r -f -a "stop\t'It is an error, which says what is lost'
continue\t'Say what is lost, and go on at the oldest record that is there'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l envelope -d 'Make of each record a line of JSON with its topic, partition, offset, timestamp, key, headers and value' -r -f -a "json\t''"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l messages -d 'Take messages: lines, json, ndjson, csv, … or delimiter=STR' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l into -d 'One file for all messages; its name may have {time:%Y/%m/%d}, {uuid}' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l each -d 'A file for each message; names may have {key}, {uuid}, {seq}, {time:…}' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l key-json -d 'The value at this JSON pointer is a message\'s key: /user/id' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l key-column -d 'This column is a message\'s key, from 1: of a CSV record, or of a line with tabs' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l key-delimiter -d 'What stands before this in a message is its key; the message stays whole' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l key-field -d 'This field is a message\'s key: of a journal\'s entry, or `id` or `event` of a server-sent event' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l same-name -d 'What becomes of a message with the name of another one of its archive [default: refuse]' -r -f -a "refuse\t'It cannot be taken'
last\t'The last one counts'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l position-json -d 'The value at this JSON pointer is where a message stands in its source: /offset; acknowledgements say the last one\'s' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l position-column -d 'The same by a column, from 1: of a CSV record, or of a line with tabs' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l position-field -d 'The same by a field: __CURSOR of a journal\'s entry, or `id` of a server-sent event' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l csv-delimiter -d 'What tells the columns of CSV apart: one byte, or `tab` [default: a comma, unless the first record shows another]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l csv-escape -d 'In CSV, what follows this byte means nothing but itself: `\\` in files of MySQL' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l crlf -d 'What becomes of a carriage return before the end of a line or a CSV record [default: keep]' -r -f -a "keep\t'It is a part of the message'
strip\t'It is a part of the end of the line, and left out'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l nulls -d 'What becomes of a netstring or u32be message of length -1, as kcat writes a NULL [default: empty]' -r -f -a "empty\t'An empty message'
skip\t'Leave it out, and say how many'
fail\t'It cannot be taken'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l batch-count -d 'Close an archive, or a batch of archives, at so many [default: 10000]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l batch-bytes -d 'Close it at this size [default: 64MiB]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l batch-period -d 'Close it when its first has waited so long [default: 5s]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l max-message -d 'Refuse a message larger than this' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l partial -d 'What becomes of a last message without its end [default: keep for lines and csv, else fail]' -r -f -a "keep\t'Take it, with the end that it lacks'
drop\t'Leave it out, and say so'
fail\t'It is a fault; the messages before it are taken'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l links -d 'What becomes of hard and symbolic links' -r -f -a "resolve\t'The content of the file that a link leads to'
skip\t'Leave links out, and say so'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l special -d 'What becomes of devices, FIFOs and other entries that are no file' -r -f -a "refuse\t'Refuse the archive'
skip\t'Leave such entries out, and say so'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l max-entry-size -d 'Refuse a file larger than this, sparse files counted with their holes' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l max-archive-size -d 'Refuse an archive whose files have more than this together, links and sparse files counted as what they stand for' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l archive-end -d 'What the end of an archive is' -r -f -a "strict\t'Two zero blocks'
lenient\t'The end of the input, too, where it comes behind whole entries'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l on-bad -d 'What becomes of an archive that is whole, and of which no commit can be made, or of a message that cannot be taken: stop, skip, quarantine=DIR, or repo=[PROJECT/]REPO[@BRANCH]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l tmp-dir -d 'Hold larger archives in unnamed files of this directory [default: TMPDIR, /var/tmp or /tmp, the first that can be written]' -r -f -a "(__fish_complete_directories)"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l hold-limit -d 'Let go of what was sent of an archive past so much, so that one of any size passes through; 0 holds about 64 MiB' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l restart -d 'Start CMD again: never, on-failure, always' -r -f -a "never\t''
on-failure\t'When it failed; after a second, then after twice as long each time, a minute at most'
always\t'Also when it ended well'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l spool -d 'Keep archives on disk until they are committed' -r -f -a "(__fish_complete_directories)"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l spool-limit -d 'Let at most so much wait in the spool, then hold the producer back' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l ack-fd -d 'Write each acknowledgement, one line of JSON, to this open file descriptor: a pipe, a FIFO or a file' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l ack-command -d 'Run this with `sh -c` for each acknowledgement; it has to succeed' -r -f -a "(__fish_complete_command)"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l retry-for -d 'Go on trying for so long without any success (0: once); 30s, 10m, 2h' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l grace -d 'After an interrupt, finish or give up the archive in hand within this time' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l stats-every -d 'Say every so often how far it is: bytes, messages, commits, and the time from read to done' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l metrics-listen -d 'Answer Prometheus and probes at this address; a port alone is one of this machine, which nobody else reaches' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l log-format -d 'How lines on standard error are written: as text, behind their time, or as JSON' -r -f -a "auto\t''
text\t''
timed\t''
json\t''"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l pachd -d 'grpc[s]://HOST[:PORT], http[s]://HOST[:PORT], unix:///SOCKET, local:DIR' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l context -d 'Use this context of pachctl\'s configuration, whatever PACHD_ADDRESS says' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l token-file -d 'Take the token from this file, as a secret is mounted' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l cacert -d 'Trust the certificates in this PEM file instead of the system\'s: authorities, or the server\'s very own' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -s a -l append -d 'Put a file\'s bytes at the end of what the branch has, instead of replacing it'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l accept-emptied -d 'Append also where pachd has emptied the branch'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l create-repo -d 'Make the repo if it is not there'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -s n -l dry-run -d 'Read and check everything, look at the destination, send nothing'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l resume -d 'The input is the same as last time: skip what an earlier run of the stream has committed'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l until-end -d 'End once every partition is read to where it ended when this began'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l escape-keys -d 'Percent-encode what pachd refuses in a key, and `/` and `%`'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l csv-no-header -d 'The first record of CSV is one as all others are'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l escape-paths -d 'Percent-encode the characters of a path that pachd refuses, and `%` itself; slashes in a message\'s key make directories'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l obey-deletions -d 'Let archives delete files; without this, deletions in them are ignored, with a note'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l endless -d 'Take the end of the input for a fault: exit code 5, after everything is committed'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l json -d 'Print one JSON object a line instead of text'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -s q -l quiet -d 'Say nothing on standard error but errors'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -s v -l verbose -d 'Say more: where to, by whose token, calls that are repeated, how far it is'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -l insecure -d 'Take whoever answers for pachd: encrypted, but anybody on the way can read and change everything'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand put" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand get" -s o -l output -d 'Write to this file, or with -r to this directory: it appears whole, or not at all; `-` is standard output' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand get" -l pachd -d 'grpc[s]://HOST[:PORT], http[s]://HOST[:PORT], unix:///SOCKET, local:DIR' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand get" -l context -d 'Use this context of pachctl\'s configuration, whatever PACHD_ADDRESS says' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand get" -l token-file -d 'Take the token from this file, as a secret is mounted' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand get" -l cacert -d 'Trust the certificates in this PEM file instead of the system\'s: authorities, or the server\'s very own' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand get" -s r -l recursive -d 'Write the files of a directory, or those that a glob means, into the directory of --output'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand get" -l tar -d 'Write a directory, or the whole commit, as one tar archive'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand get" -l list -d 'List the files, with their sizes, instead of writing their bytes'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand get" -l unescape-paths -d 'Turn the percent-encoding of `put --escape-paths` back in the archive\'s names'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand get" -s q -l quiet -d 'Say nothing on standard error but errors'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand get" -s v -l verbose -d 'Say more: where to, by whose token, calls that are repeated, how far it is'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand get" -l insecure -d 'Take whoever answers for pachd: encrypted, but anybody on the way can read and change everything'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand get" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -l messages -d 'Take messages: lines, json, ndjson, csv, … or delimiter=STR' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -l into -d 'One file for all messages; its name may have {time:%Y/%m/%d}, {uuid}' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -l each -d 'A file for each message; names may have {key}, {uuid}, {seq}, {time:…}' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -l key-json -d 'The value at this JSON pointer is a message\'s key: /user/id' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -l key-column -d 'This column is a message\'s key, from 1: of a CSV record, or of a line with tabs' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -l key-delimiter -d 'What stands before this in a message is its key; the message stays whole' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -l key-field -d 'This field is a message\'s key: of a journal\'s entry, or `id` or `event` of a server-sent event' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -l same-name -d 'What becomes of a message with the name of another one of its archive [default: refuse]' -r -f -a "refuse\t'It cannot be taken'
last\t'The last one counts'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -l position-json -d 'The value at this JSON pointer is where a message stands in its source: /offset; acknowledgements say the last one\'s' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -l position-column -d 'The same by a column, from 1: of a CSV record, or of a line with tabs' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -l position-field -d 'The same by a field: __CURSOR of a journal\'s entry, or `id` of a server-sent event' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -l csv-delimiter -d 'What tells the columns of CSV apart: one byte, or `tab` [default: a comma, unless the first record shows another]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -l csv-escape -d 'In CSV, what follows this byte means nothing but itself: `\\` in files of MySQL' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -l crlf -d 'What becomes of a carriage return before the end of a line or a CSV record [default: keep]' -r -f -a "keep\t'It is a part of the message'
strip\t'It is a part of the end of the line, and left out'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -l nulls -d 'What becomes of a netstring or u32be message of length -1, as kcat writes a NULL [default: empty]' -r -f -a "empty\t'An empty message'
skip\t'Leave it out, and say how many'
fail\t'It cannot be taken'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -l batch-count -d 'Close an archive, or a batch of archives, at so many [default: 10000]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -l batch-bytes -d 'Close it at this size [default: 64MiB]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -l batch-period -d 'Close it when its first has waited so long [default: 5s]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -l max-message -d 'Refuse a message larger than this' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -l partial -d 'What becomes of a last message without its end [default: keep for lines and csv, else fail]' -r -f -a "keep\t'Take it, with the end that it lacks'
drop\t'Leave it out, and say so'
fail\t'It is a fault; the messages before it are taken'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -l on-bad -d 'What becomes of a message that cannot be taken: stop, skip, or quarantine=DIR' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -l escape-keys -d 'Percent-encode what pachd refuses in a key, and `/` and `%`'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -l csv-no-header -d 'The first record of CSV is one as all others are'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -l escape-paths -d 'Percent-encode in the names of files what pachd refuses, and `%` itself; a key\'s slashes make directories'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -s q -l quiet -d 'Say nothing on standard error but errors'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -s v -l verbose -d 'Say more: where to, by whose token, calls that are repeated, how far it is'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand pack" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -s n -l last -d 'Begin with the last N finished commits, with a glob of those that match; 0: with the next one [default: 10]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -l from -d 'Begin after COMMIT; or at the `beginning`; or `now`; or with what was finished since a time (2026-11-22T15:00:00Z, 2026-11-22), or since so long ago (2h)' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -l count -d 'End after N commits' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -l until -d 'End after this commit; with -e, exit code 1 when the branch has not come to it' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -l timeout -d 'End after this time: exit code 5 when --count or --until was not reached, 0 otherwise' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -l stream -d 'Only the commits that `put` made for this stream' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -l format -d 'Print each commit so, with fields in braces: \'{time} {id}\'' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -l tmp-dir -d 'Hold archives that are larger than 8 MiB in unnamed files of this directory [default: TMPDIR, /var/tmp or /tmp, the first that can be written]' -r -f -a "(__fish_complete_directories)"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -l color -d 'When there is colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set; with CLICOLOR_FORCE everywhere'
always\t''
never\t''"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -l cursor -d 'Keep in FILE how far the branch was delivered, and go on from there' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -l retry-for -d 'Go on trying for so long without any success (0: once); 30s, 10m, 2h' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -l retry -d 'Run CMD up to N times more for a commit when it fails, after a second, then after twice as long each time' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -l log-format -d 'How lines on standard error are written: as text, behind their time, or as JSON' -r -f -a "auto\t''
text\t''
timed\t''
json\t''"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -l pachd -d 'grpc[s]://HOST[:PORT], http[s]://HOST[:PORT], unix:///SOCKET, local:DIR' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -l context -d 'Use this context of pachctl\'s configuration, whatever PACHD_ADDRESS says' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -l token-file -d 'Take the token from this file, as a secret is mounted' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -l cacert -d 'Trust the certificates in this PEM file instead of the system\'s: authorities, or the server\'s very own' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -s e -l no-follow -d 'End at the newest finished commit instead of waiting for more'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -l wait-for-branch -d 'Wait for the repo and the branch when they are not there'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -l ok-only -d 'Leave out commits that finished with an error'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -l fail -d 'End with exit code 1 after the first commit that finished with an error'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -l files -d 'List the files that each commit added, changed and deleted'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -l json -d 'Print one JSON object a line'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -l tar -d 'Write each commit as one complete tar archive: what it changed against the one before'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -l full -d 'In archives, write all of a commit\'s files, not only those that it changed'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -s q -l quiet -d 'Say nothing on standard error but errors'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -s v -l verbose -d 'Say more: where to, by whose token, calls that are repeated, how far it is'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -l insecure -d 'Take whoever answers for pachd: encrypted, but anybody on the way can read and change everything'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand tail" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand serve" -l listen -d 'The address to listen at: HOST:PORT; port 0 picks a free one' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand serve" -l token-file -d 'Answer only requests that carry a token of this file, as pachd with auth does' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand serve" -l as-spout -d 'Play the sidecar of this spout, [project/]NAME: what its own code talks to in its pod' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand serve" -l restart-after -d 'How long it takes until CMD runs again, after a failure or in a new pod' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand serve" -l kill-after -d 'Kill CMD whenever it has run for so long, as a pod\'s end does: without a signal before' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand serve" -l pachyderm -d 'Answer as the pachd of this release does, such as 2.3, to try a spout against the cluster that it is for' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand serve" -l host -d 'Also answer requests that are sent to this name of this machine' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand serve" -l no-auth -d 'Let anybody who can reach the address read and write everything'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand serve" -l json -d 'Write the line of each request as a JSON object'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand serve" -s q -l quiet -d 'Say nothing on standard error but errors'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand serve" -s v -l verbose -d 'Say more: where to, by whose token, calls that are repeated, how far it is'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand serve" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spool" -l resend -d 'Let archive N be sent again, which is held back because its commit failed' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spool" -l forget -d 'Give archive N up: its file is removed, and no commit is made of it' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spool" -l in-flight -d 'With --send: let up to N commits wait to be finished, as `put --in-flight` does' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spool" -l on-bad -d 'With --send: what becomes of an archive of which no commit can be made, as `put --on-bad` [default: the repo that was given then, or stop]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spool" -l ack-fd -d 'Write each acknowledgement, one line of JSON, to this open file descriptor: a pipe, a FIFO or a file' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spool" -l ack-command -d 'Run this with `sh -c` for each acknowledgement; it has to succeed' -r -f -a "(__fish_complete_command)"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spool" -l retry-for -d 'Go on trying for so long without any success (0: once); 30s, 10m, 2h' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spool" -l grace -d 'After an interrupt, finish or give up the archive in hand within this time' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spool" -l log-format -d 'How lines on standard error are written: as text, behind their time, or as JSON' -r -f -a "auto\t''
text\t''
timed\t''
json\t''"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spool" -l pachd -d 'grpc[s]://HOST[:PORT], http[s]://HOST[:PORT], unix:///SOCKET, local:DIR' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spool" -l context -d 'Use this context of pachctl\'s configuration, whatever PACHD_ADDRESS says' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spool" -l token-file -d 'Take the token from this file, as a secret is mounted' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spool" -l cacert -d 'Trust the certificates in this PEM file instead of the system\'s: authorities, or the server\'s very own' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spool" -l send -d 'Send what waits, as `put` with the flags that it was taken in with, and read no input'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spool" -l discard -d 'Give everything up that waits'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spool" -l create-repo -d 'With --send: make the repo if it is not there'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spool" -s y -l yes -d 'Do not ask before something is given up'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spool" -l json -d 'Print one JSON object instead of text'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spool" -s q -l quiet -d 'Say nothing on standard error but errors'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spool" -s v -l verbose -d 'Say more: where to, by whose token, calls that are repeated, how far it is'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spool" -l insecure -d 'Take whoever answers for pachd: encrypted, but anybody on the way can read and change everything'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spool" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spool" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand squash" -l older-than -d 'Only commits that were finished longer ago than this, by pachd\'s clock: 7d, 12h' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand squash" -l keep-every -d 'Keep the newest good commit of each period of this length, counted from midnight in UTC: 1h, 1d' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand squash" -l keep -d 'Keep this commit; repeated, each of them' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand squash" -l cursor -d 'Keep the commit that a cursor of `tail` is at; repeated, of each' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand squash" -l retry-for -d 'Go on trying for so long without any success (0: once); 30s, 10m, 2h' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand squash" -l log-format -d 'How lines on standard error are written: as text, behind their time, or as JSON' -r -f -a "auto\t''
text\t''
timed\t''
json\t''"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand squash" -l pachd -d 'grpc[s]://HOST[:PORT], http[s]://HOST[:PORT], unix:///SOCKET, local:DIR' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand squash" -l context -d 'Use this context of pachctl\'s configuration, whatever PACHD_ADDRESS says' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand squash" -l token-file -d 'Take the token from this file, as a secret is mounted' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand squash" -l cacert -d 'Trust the certificates in this PEM file instead of the system\'s: authorities, or the server\'s very own' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand squash" -l downstream -d 'Squash with a commit what pipelines have made of it, in their repos'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand squash" -s n -l dry-run -d 'Look only: say what would be squashed, and what stays and why'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand squash" -s y -l yes -d 'Do not ask before anything is squashed'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand squash" -l json -d 'Print one JSON object a line instead of text'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand squash" -s q -l quiet -d 'Say nothing on standard error but errors'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand squash" -s v -l verbose -d 'Say more: where to, by whose token, calls that are repeated, how far it is'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand squash" -l insecure -d 'Take whoever answers for pachd: encrypted, but anybody on the way can read and change everything'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand squash" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand squash" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l stdin-name -d 'Call standard input so; its ending says whether it is JSON or YAML' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l pachyderm -d 'The Pachyderm that the specs are for: 1.12 to 2.12 [default: 2.12]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l jsonnet-arg -d 'Give a template (.jsonnet) this argument, as pachctl does with --arg' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l kubernetes -d 'The cluster\'s Kubernetes, such as 1.31, or what `kubectl version` prints' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l config -d 'Take options from this file instead of the nearest spoutctl.toml' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l select -d 'Apply these rules only' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l ignore -d 'Do not apply these rules' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l severity -d 'What a rule finds is an error, a warning or info' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l max-warnings -d 'More warnings than this are an error' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l format -d 'How findings are written [default: pretty on a terminal, concise elsewhere]' -r -f -a "pretty\t'For a terminal, with the source beside it'
concise\t'`path:line:col: severity[rule]: message`'
json\t'One object, with fixes'
github\t'Annotations of GitHub Actions'
gitlab\t'GitLab\'s code quality report'
sarif\t'SARIF 2.1.0, for code scanning'
junit\t'JUnit XML'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l color -d 'When there is colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set; with CLICOLOR_FORCE everywhere'
always\t''
never\t''"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l pachd -d 'grpc[s]://HOST[:PORT], http[s]://HOST[:PORT], unix:///SOCKET, local:DIR' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l context -d 'Use this context of pachctl\'s configuration, whatever PACHD_ADDRESS says' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l token-file -d 'Take the token from this file, as a secret is mounted' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l cacert -d 'Trust the certificates in this PEM file instead of the system\'s: authorities, or the server\'s very own' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l all -d 'Look at ordinary pipelines, too'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l spouts-only -d 'Of the files that are named, look at those only that have a spout, as in a directory'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l no-config -d 'Take options from no file'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l rules -l list-rules -d 'List all rules, and look at nothing'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l fix -d 'Mend what can be mended without a change of meaning; everything else in a file stays byte for byte'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l unsafe-fixes -d 'Mend also what a person should look at: removed, added and renamed fields, quantities'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l diff -d 'Write no file: show as a diff what would be mended'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l json -d 'The same as --format json'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l exit-zero -d 'End with 0 whatever is found; what cannot be read still ends with 3'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -s q -l quiet -d 'Say nothing on standard error but errors'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -s v -l verbose -d 'Say more: where to, by whose token, calls that are repeated, how far it is'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l server -d 'Then ask a pachd (2.8 and newer) what it makes of the specs, which creates nothing'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -l insecure -d 'Take whoever answers for pachd: encrypted, but anybody on the way can read and change everything'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand validate" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand explain" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand schema" -l pachyderm -d 'The Pachyderm that the specs are for: 1.12 to 2.12 [default: 2.12]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand schema" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand schema" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand lsp" -l pachyderm -d 'The Pachyderm that the specs are for: 1.12 to 2.12 [default: what spoutctl.toml says, else 2.12]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand lsp" -l all -d 'Look at ordinary pipelines, too'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand lsp" -l stdio -d 'Some editors say so; there is nothing else'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand lsp" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand lsp" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l template -d 'What to begin with: blank, directory, kafka, kcat, mqtt, nats, postgres, redis or webhook' -r -f -a "blank\t''
directory\t''
kafka\t''
kcat\t''
mqtt\t''
nats\t''
postgres\t''
redis\t''
webhook\t''"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l image -d 'The image that it runs in, with a tag' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l cmd -d 'What it runs, as one line that is taken apart as a shell would: \'python3 -u /app/main.py\'' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l stdin-script -d 'What it runs: this script, which becomes a part of the spec, for the shell that its first line names' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l env -d 'Set a variable of its environment; a password belongs into a secret' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l secret -d 'Give it a Kubernetes secret: SECRET:KEY=VARIABLE the value of a key in a variable, SECRET=/PATH all of it as files' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l output-branch -d 'The branch that it writes to [default: master]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l cpu -d 'How much CPU its container asks for: 0.5 or 500m' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l memory -d 'How much memory its container asks for, and may have at most: 256Mi' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l metrics-port -d 'Have it watched: `spoutctl put` in it answers Prometheus and Kubernetes\' probes at this port' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l description -d 'Say this of it' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l project -d 'The project that it is in [default: default]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -s o -l output -d 'Write the spec to this file; `-` is standard output [default: NAME.json, in DIR with --with-code]' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l format -d 'How the spec is written [default: as the file\'s ending says, else json]' -r -f -a "json\t''
yaml\t''"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l with-code -d 'Also write a small spout that runs to this directory: entrypoint.sh, Dockerfile, README.md' -r -f -a "(__fish_complete_directories)"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l schema -d 'Say in the spec which JSON Schema an editor is to hold it to, such as a file that `spoutctl schema` wrote' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l pachyderm -d 'The Pachyderm that the spec is for: 1.12 to 2.12 [default: 2.12]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -s f -l file -d 'Create the pipelines of these specs; `-` is standard input, https:// addresses are read' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l jsonnet-arg -d 'Give a template (.jsonnet) this argument, as pachctl does with --arg' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l pachd -d 'grpc[s]://HOST[:PORT], http[s]://HOST[:PORT], unix:///SOCKET, local:DIR' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l context -d 'Use this context of pachctl\'s configuration, whatever PACHD_ADDRESS says' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l token-file -d 'Take the token from this file, as a secret is mounted' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l cacert -d 'Trust the certificates in this PEM file instead of the system\'s: authorities, or the server\'s very own' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l force -d 'Replace files that are there'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l no-input -d 'Ask nothing'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l no-lint -d 'Go on although `validate` finds something'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l update -d 'Replace pipelines that are there'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l reprocess -d 'With --update: do again what the pipelines have done'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l restart -d 'With --update: where pachd refuses to update a spout that another pipeline reads from, stop it, update it, and start it again'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -s n -l dry-run -d 'Create nothing: print the specs with the cluster\'s defaults, and how they differ from those that run'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -s q -l quiet -d 'Say nothing on standard error but errors'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -s v -l verbose -d 'Say more: where to, by whose token, calls that are repeated, how far it is'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -l insecure -d 'Take whoever answers for pachd: encrypted, but anybody on the way can read and change everything'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand create" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and not __fish_seen_subcommand_from login use-token whoami logout" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and not __fish_seen_subcommand_from login use-token whoami logout" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and not __fish_seen_subcommand_from login use-token whoami logout" -f -a "login" -d 'Log in with the identity provider of the cluster, in a browser'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and not __fish_seen_subcommand_from login use-token whoami logout" -f -a "use-token" -d 'Take a token that somebody has made: from standard input, or asked for and not shown'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and not __fish_seen_subcommand_from login use-token whoami logout" -f -a "whoami" -d 'Say whom pachd takes us for, until when, and where the token is from'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and not __fish_seen_subcommand_from login use-token whoami logout" -f -a "logout" -d 'Forget the context\'s token; at pachd it stays good until it expires or is revoked'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from login" -l timeout -d 'Wait for so long until somebody has logged in' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from login" -l pachd -d 'grpc[s]://HOST[:PORT], http[s]://HOST[:PORT], unix:///SOCKET, local:DIR' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from login" -l context -d 'Use this context of pachctl\'s configuration, whatever PACHD_ADDRESS says' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from login" -l token-file -d 'Take the token from this file, as a secret is mounted' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from login" -l cacert -d 'Trust the certificates in this PEM file instead of the system\'s: authorities, or the server\'s very own' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from login" -s b -l no-browser -d 'Open no browser'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from login" -s q -l quiet -d 'Say nothing on standard error but errors'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from login" -s v -l verbose -d 'Say more: where to, by whose token, calls that are repeated, how far it is'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from login" -l insecure -d 'Take whoever answers for pachd: encrypted, but anybody on the way can read and change everything'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from login" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from login" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from use-token" -l pachd -d 'grpc[s]://HOST[:PORT], http[s]://HOST[:PORT], unix:///SOCKET, local:DIR' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from use-token" -l context -d 'Use this context of pachctl\'s configuration, whatever PACHD_ADDRESS says' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from use-token" -l token-file -d 'Take the token from this file, as a secret is mounted' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from use-token" -l cacert -d 'Trust the certificates in this PEM file instead of the system\'s: authorities, or the server\'s very own' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from use-token" -s q -l quiet -d 'Say nothing on standard error but errors'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from use-token" -s v -l verbose -d 'Say more: where to, by whose token, calls that are repeated, how far it is'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from use-token" -l insecure -d 'Take whoever answers for pachd: encrypted, but anybody on the way can read and change everything'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from use-token" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from use-token" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from whoami" -l pachd -d 'grpc[s]://HOST[:PORT], http[s]://HOST[:PORT], unix:///SOCKET, local:DIR' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from whoami" -l context -d 'Use this context of pachctl\'s configuration, whatever PACHD_ADDRESS says' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from whoami" -l token-file -d 'Take the token from this file, as a secret is mounted' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from whoami" -l cacert -d 'Trust the certificates in this PEM file instead of the system\'s: authorities, or the server\'s very own' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from whoami" -l json -d 'Print one JSON object instead of text'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from whoami" -s q -l quiet -d 'Say nothing on standard error but errors'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from whoami" -s v -l verbose -d 'Say more: where to, by whose token, calls that are repeated, how far it is'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from whoami" -l insecure -d 'Take whoever answers for pachd: encrypted, but anybody on the way can read and change everything'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from whoami" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from whoami" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from logout" -l context -d 'Forget the token of this context instead of the active one\'s' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from logout" -s q -l quiet -d 'Say nothing on standard error but errors'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from logout" -s v -l verbose -d 'Say more: where to, by whose token, calls that are repeated, how far it is'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from logout" -s h -l help -d 'Print help'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand auth; and __fish_seen_subcommand_from logout" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand config" -l pachd -d 'grpc[s]://HOST[:PORT], http[s]://HOST[:PORT], unix:///SOCKET, local:DIR' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand config" -l context -d 'Use this context of pachctl\'s configuration, whatever PACHD_ADDRESS says' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand config" -l token-file -d 'Take the token from this file, as a secret is mounted' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand config" -l cacert -d 'Trust the certificates in this PEM file instead of the system\'s: authorities, or the server\'s very own' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand config" -l json -d 'Print one JSON object a line'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand config" -s q -l quiet -d 'Say nothing on standard error but errors'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand config" -s v -l verbose -d 'Say more: where to, by whose token, calls that are repeated, how far it is'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand config" -l insecure -d 'Take whoever answers for pachd: encrypted, but anybody on the way can read and change everything'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand config" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand config" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand doctor" -l drop -d 'Drop this commit, if it is the open head of DEST that keeps everybody from writing' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand doctor" -l timeout -d 'Wait for each answer no longer than this' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand doctor" -l from -d 'Look at topics of Kafka, too, as `put --from` would read them: kafka://HOST[:PORT][,HOST…]/TOPIC[,TOPIC…]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand doctor" -l kafka-config -d 'Take settings of librdkafka from FILE, as put does' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand doctor" -l stream -d 'The stream of the put, where it has another name than the one it gives itself' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand doctor" -l color -d 'When there is colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set; with CLICOLOR_FORCE everywhere'
always\t''
never\t''"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand doctor" -l pachd -d 'grpc[s]://HOST[:PORT], http[s]://HOST[:PORT], unix:///SOCKET, local:DIR' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand doctor" -l context -d 'Use this context of pachctl\'s configuration, whatever PACHD_ADDRESS says' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand doctor" -l token-file -d 'Take the token from this file, as a secret is mounted' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand doctor" -l cacert -d 'Trust the certificates in this PEM file instead of the system\'s: authorities, or the server\'s very own' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand doctor" -s y -l yes -d 'Do not ask before a commit is dropped'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand doctor" -l json -d 'Print one JSON object a line: of type `check`, and last `summary`'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand doctor" -s q -l quiet -d 'Say nothing on standard error but errors'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand doctor" -s v -l verbose -d 'Say more: where to, by whose token, calls that are repeated, how far it is'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand doctor" -l insecure -d 'Take whoever answers for pachd: encrypted, but anybody on the way can read and change everything'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand doctor" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand completions" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand man" -s h -l help -d 'Print help'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand man" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and not __fish_seen_subcommand_from put get tail validate explain" -s h -l help -d 'Print help'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and not __fish_seen_subcommand_from put get tail validate explain" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and not __fish_seen_subcommand_from put get tail validate explain" -f -a "put" -d 'Make each complete tar archive of the input one finished commit'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and not __fish_seen_subcommand_from put get tail validate explain" -f -a "get" -d 'Read back: a file\'s bytes, a directory, or what a commit holds'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and not __fish_seen_subcommand_from put get tail validate explain" -f -a "tail" -d 'Follow a branch: each finished commit once, in order, as a line, as JSON, or as a tar archive'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and not __fish_seen_subcommand_from put get tail validate explain" -f -a "validate" -d 'Find what is wrong with spout specs, without a cluster'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and not __fish_seen_subcommand_from put get tail validate explain" -f -a "explain" -d 'Say why a rule of `validate` is one'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -s m -l message -d 'Say this in each commit\'s description' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l stream -d 'Name the stream, so that its numbers go on where an earlier run ended' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l in-flight -d 'Let up to N commits wait to be finished before the next one is closed' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l batch -d 'adaptive: what arrives while a commit is being finished becomes the next one, together' -r -f -a "adaptive\t'As soon as there is room, and at a bound'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l staging -d 'Make commits on BRANCH first; move the destination\'s branch to each when it is finished without an error' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l route -d 'Put the files that GLOB means, and those in directories that it means, into this repo instead of DEST' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l from -d 'Read topics of Kafka instead of the input: kafka://HOST[:PORT][,HOST…]/TOPIC[,TOPIC…]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l kafka-config -d 'Take settings of librdkafka from FILE, NAME=VALUE a line: TLS, SASL, …' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l start -d 'Where a topic begins of which nothing is committed: earliest, latest or a time [default: earliest]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l on-gap -d 'What happens where the broker has no longer what comes next [default: stop]' -r -f -a "stop\t'It is an error, which says what is lost'
continue\t'Say what is lost, and go on at the oldest record that is there'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l envelope -d 'Make of each record a line of JSON with its topic, partition, offset, timestamp, key, headers and value' -r -f -a "json\t''"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l messages -d 'Take messages: lines, json, ndjson, csv, … or delimiter=STR' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l into -d 'One file for all messages; its name may have {time:%Y/%m/%d}, {uuid}' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l each -d 'A file for each message; names may have {key}, {uuid}, {seq}, {time:…}' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l key-json -d 'The value at this JSON pointer is a message\'s key: /user/id' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l key-column -d 'This column is a message\'s key, from 1: of a CSV record, or of a line with tabs' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l key-delimiter -d 'What stands before this in a message is its key; the message stays whole' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l key-field -d 'This field is a message\'s key: of a journal\'s entry, or `id` or `event` of a server-sent event' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l same-name -d 'What becomes of a message with the name of another one of its archive [default: refuse]' -r -f -a "refuse\t'It cannot be taken'
last\t'The last one counts'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l position-json -d 'The value at this JSON pointer is where a message stands in its source: /offset; acknowledgements say the last one\'s' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l position-column -d 'The same by a column, from 1: of a CSV record, or of a line with tabs' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l position-field -d 'The same by a field: __CURSOR of a journal\'s entry, or `id` of a server-sent event' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l csv-delimiter -d 'What tells the columns of CSV apart: one byte, or `tab` [default: a comma, unless the first record shows another]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l csv-escape -d 'In CSV, what follows this byte means nothing but itself: `\\` in files of MySQL' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l crlf -d 'What becomes of a carriage return before the end of a line or a CSV record [default: keep]' -r -f -a "keep\t'It is a part of the message'
strip\t'It is a part of the end of the line, and left out'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l nulls -d 'What becomes of a netstring or u32be message of length -1, as kcat writes a NULL [default: empty]' -r -f -a "empty\t'An empty message'
skip\t'Leave it out, and say how many'
fail\t'It cannot be taken'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l batch-count -d 'Close an archive, or a batch of archives, at so many [default: 10000]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l batch-bytes -d 'Close it at this size [default: 64MiB]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l batch-period -d 'Close it when its first has waited so long [default: 5s]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l max-message -d 'Refuse a message larger than this' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l partial -d 'What becomes of a last message without its end [default: keep for lines and csv, else fail]' -r -f -a "keep\t'Take it, with the end that it lacks'
drop\t'Leave it out, and say so'
fail\t'It is a fault; the messages before it are taken'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l links -d 'What becomes of hard and symbolic links' -r -f -a "resolve\t'The content of the file that a link leads to'
skip\t'Leave links out, and say so'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l special -d 'What becomes of devices, FIFOs and other entries that are no file' -r -f -a "refuse\t'Refuse the archive'
skip\t'Leave such entries out, and say so'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l max-entry-size -d 'Refuse a file larger than this, sparse files counted with their holes' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l max-archive-size -d 'Refuse an archive whose files have more than this together, links and sparse files counted as what they stand for' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l archive-end -d 'What the end of an archive is' -r -f -a "strict\t'Two zero blocks'
lenient\t'The end of the input, too, where it comes behind whole entries'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l on-bad -d 'What becomes of an archive that is whole, and of which no commit can be made, or of a message that cannot be taken: stop, skip, quarantine=DIR, or repo=[PROJECT/]REPO[@BRANCH]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l tmp-dir -d 'Hold larger archives in unnamed files of this directory [default: TMPDIR, /var/tmp or /tmp, the first that can be written]' -r -f -a "(__fish_complete_directories)"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l hold-limit -d 'Let go of what was sent of an archive past so much, so that one of any size passes through; 0 holds about 64 MiB' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l restart -d 'Start CMD again: never, on-failure, always' -r -f -a "never\t''
on-failure\t'When it failed; after a second, then after twice as long each time, a minute at most'
always\t'Also when it ended well'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l spool -d 'Keep archives on disk until they are committed' -r -f -a "(__fish_complete_directories)"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l spool-limit -d 'Let at most so much wait in the spool, then hold the producer back' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l ack-fd -d 'Write each acknowledgement, one line of JSON, to this open file descriptor: a pipe, a FIFO or a file' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l ack-command -d 'Run this with `sh -c` for each acknowledgement; it has to succeed' -r -f -a "(__fish_complete_command)"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l retry-for -d 'Go on trying for so long without any success (0: once); 30s, 10m, 2h' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l grace -d 'After an interrupt, finish or give up the archive in hand within this time' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l stats-every -d 'Say every so often how far it is: bytes, messages, commits, and the time from read to done' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l metrics-listen -d 'Answer Prometheus and probes at this address; a port alone is one of this machine, which nobody else reaches' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l log-format -d 'How lines on standard error are written: as text, behind their time, or as JSON' -r -f -a "auto\t''
text\t''
timed\t''
json\t''"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l pachd -d 'grpc[s]://HOST[:PORT], http[s]://HOST[:PORT], unix:///SOCKET, local:DIR' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l context -d 'Use this context of pachctl\'s configuration, whatever PACHD_ADDRESS says' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l token-file -d 'Take the token from this file, as a secret is mounted' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l cacert -d 'Trust the certificates in this PEM file instead of the system\'s: authorities, or the server\'s very own' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -s a -l append -d 'Put a file\'s bytes at the end of what the branch has, instead of replacing it'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l accept-emptied -d 'Append also where pachd has emptied the branch'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l create-repo -d 'Make the repo if it is not there'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -s n -l dry-run -d 'Read and check everything, look at the destination, send nothing'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l resume -d 'The input is the same as last time: skip what an earlier run of the stream has committed'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l until-end -d 'End once every partition is read to where it ended when this began'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l escape-keys -d 'Percent-encode what pachd refuses in a key, and `/` and `%`'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l csv-no-header -d 'The first record of CSV is one as all others are'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l escape-paths -d 'Percent-encode the characters of a path that pachd refuses, and `%` itself; slashes in a message\'s key make directories'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l obey-deletions -d 'Let archives delete files; without this, deletions in them are ignored, with a note'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l endless -d 'Take the end of the input for a fault: exit code 5, after everything is committed'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l json -d 'Print one JSON object a line instead of text'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -s q -l quiet -d 'Say nothing on standard error but errors'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -s v -l verbose -d 'Say more: where to, by whose token, calls that are repeated, how far it is'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -l insecure -d 'Take whoever answers for pachd: encrypted, but anybody on the way can read and change everything'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from put" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from get" -s o -l output -d 'Write to this file, or with -r to this directory: it appears whole, or not at all; `-` is standard output' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from get" -l pachd -d 'grpc[s]://HOST[:PORT], http[s]://HOST[:PORT], unix:///SOCKET, local:DIR' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from get" -l context -d 'Use this context of pachctl\'s configuration, whatever PACHD_ADDRESS says' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from get" -l token-file -d 'Take the token from this file, as a secret is mounted' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from get" -l cacert -d 'Trust the certificates in this PEM file instead of the system\'s: authorities, or the server\'s very own' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from get" -s r -l recursive -d 'Write the files of a directory, or those that a glob means, into the directory of --output'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from get" -l tar -d 'Write a directory, or the whole commit, as one tar archive'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from get" -l list -d 'List the files, with their sizes, instead of writing their bytes'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from get" -l unescape-paths -d 'Turn the percent-encoding of `put --escape-paths` back in the archive\'s names'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from get" -s q -l quiet -d 'Say nothing on standard error but errors'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from get" -s v -l verbose -d 'Say more: where to, by whose token, calls that are repeated, how far it is'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from get" -l insecure -d 'Take whoever answers for pachd: encrypted, but anybody on the way can read and change everything'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from get" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -s n -l last -d 'Begin with the last N finished commits, with a glob of those that match; 0: with the next one [default: 10]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -l from -d 'Begin after COMMIT; or at the `beginning`; or `now`; or with what was finished since a time (2026-11-22T15:00:00Z, 2026-11-22), or since so long ago (2h)' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -l count -d 'End after N commits' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -l until -d 'End after this commit; with -e, exit code 1 when the branch has not come to it' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -l timeout -d 'End after this time: exit code 5 when --count or --until was not reached, 0 otherwise' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -l stream -d 'Only the commits that `put` made for this stream' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -l format -d 'Print each commit so, with fields in braces: \'{time} {id}\'' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -l tmp-dir -d 'Hold archives that are larger than 8 MiB in unnamed files of this directory [default: TMPDIR, /var/tmp or /tmp, the first that can be written]' -r -f -a "(__fish_complete_directories)"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -l color -d 'When there is colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set; with CLICOLOR_FORCE everywhere'
always\t''
never\t''"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -l cursor -d 'Keep in FILE how far the branch was delivered, and go on from there' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -l retry-for -d 'Go on trying for so long without any success (0: once); 30s, 10m, 2h' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -l retry -d 'Run CMD up to N times more for a commit when it fails, after a second, then after twice as long each time' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -l log-format -d 'How lines on standard error are written: as text, behind their time, or as JSON' -r -f -a "auto\t''
text\t''
timed\t''
json\t''"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -l pachd -d 'grpc[s]://HOST[:PORT], http[s]://HOST[:PORT], unix:///SOCKET, local:DIR' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -l context -d 'Use this context of pachctl\'s configuration, whatever PACHD_ADDRESS says' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -l token-file -d 'Take the token from this file, as a secret is mounted' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -l cacert -d 'Trust the certificates in this PEM file instead of the system\'s: authorities, or the server\'s very own' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -s e -l no-follow -d 'End at the newest finished commit instead of waiting for more'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -l wait-for-branch -d 'Wait for the repo and the branch when they are not there'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -l ok-only -d 'Leave out commits that finished with an error'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -l fail -d 'End with exit code 1 after the first commit that finished with an error'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -l files -d 'List the files that each commit added, changed and deleted'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -l json -d 'Print one JSON object a line'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -l tar -d 'Write each commit as one complete tar archive: what it changed against the one before'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -l full -d 'In archives, write all of a commit\'s files, not only those that it changed'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -s q -l quiet -d 'Say nothing on standard error but errors'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -s v -l verbose -d 'Say more: where to, by whose token, calls that are repeated, how far it is'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -l insecure -d 'Take whoever answers for pachd: encrypted, but anybody on the way can read and change everything'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from tail" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l stdin-name -d 'Call standard input so; its ending says whether it is JSON or YAML' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l pachyderm -d 'The Pachyderm that the specs are for: 1.12 to 2.12 [default: 2.12]' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l jsonnet-arg -d 'Give a template (.jsonnet) this argument, as pachctl does with --arg' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l kubernetes -d 'The cluster\'s Kubernetes, such as 1.31, or what `kubectl version` prints' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l config -d 'Take options from this file instead of the nearest spoutctl.toml' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l select -d 'Apply these rules only' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l ignore -d 'Do not apply these rules' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l severity -d 'What a rule finds is an error, a warning or info' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l max-warnings -d 'More warnings than this are an error' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l format -d 'How findings are written [default: pretty on a terminal, concise elsewhere]' -r -f -a "pretty\t'For a terminal, with the source beside it'
concise\t'`path:line:col: severity[rule]: message`'
json\t'One object, with fixes'
github\t'Annotations of GitHub Actions'
gitlab\t'GitLab\'s code quality report'
sarif\t'SARIF 2.1.0, for code scanning'
junit\t'JUnit XML'"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l color -d 'When there is colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set; with CLICOLOR_FORCE everywhere'
always\t''
never\t''"
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l pachd -d 'grpc[s]://HOST[:PORT], http[s]://HOST[:PORT], unix:///SOCKET, local:DIR' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l context -d 'Use this context of pachctl\'s configuration, whatever PACHD_ADDRESS says' -r
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l token-file -d 'Take the token from this file, as a secret is mounted' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l cacert -d 'Trust the certificates in this PEM file instead of the system\'s: authorities, or the server\'s very own' -r -F
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l all -d 'Look at ordinary pipelines, too'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l spouts-only -d 'Of the files that are named, look at those only that have a spout, as in a directory'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l no-config -d 'Take options from no file'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l rules -l list-rules -d 'List all rules, and look at nothing'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l fix -d 'Mend what can be mended without a change of meaning; everything else in a file stays byte for byte'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l unsafe-fixes -d 'Mend also what a person should look at: removed, added and renamed fields, quantities'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l diff -d 'Write no file: show as a diff what would be mended'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l json -d 'The same as --format json'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l exit-zero -d 'End with 0 whatever is found; what cannot be read still ends with 3'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -s q -l quiet -d 'Say nothing on standard error but errors'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -s v -l verbose -d 'Say more: where to, by whose token, calls that are repeated, how far it is'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l server -d 'Then ask a pachd (2.8 and newer) what it makes of the specs, which creates nothing'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -l insecure -d 'Take whoever answers for pachd: encrypted, but anybody on the way can read and change everything'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from validate" -s V -l version -d 'Print version'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c spoutctl -n "__fish_spoutctl_using_subcommand spout; and __fish_seen_subcommand_from explain" -s V -l version -d 'Print version'
