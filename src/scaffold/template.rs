//! Kinds of spouts to begin with: what each reads, the variables that say where from, and its consumer.
//!
//! A consumer is a script for bash that prints messages, or archives, for ever; `spoutctl put … -- bash -c SCRIPT` runs
//! it, and runs it anew whenever it ends. Its text is in `templates/`. What `put` reads by itself has none.

/// A kind of spout.
#[derive(Debug, PartialEq, Eq)]
pub struct Template {
    pub name: &'static str,
    /// What it reads, behind the spout's name and a colon.
    pub title: &'static str,
    pub variables: &'static [Variable],
    /// How `put` takes what the consumer prints, or what it reads by itself.
    pub(super) taken: &'static [&'static str],
    /// `None`: `put` reads the source by itself.
    pub(super) consumer: Option<&'static str>,
    /// What the consumer runs that not every image has.
    pub(super) programs: &'static [&'static str],
    /// Of Debian, beside `ca-certificates`.
    pub(super) packages: &'static [&'static str],
    /// What else its image needs.
    pub(super) image: &'static str,
    /// The variable that has the port at which it listens.
    pub(super) port: Option<&'static str>,
    /// What one should know, for people, in Markdown.
    pub(super) about: &'static str,
}

/// A variable that a consumer reads.
#[derive(Debug, PartialEq, Eq)]
pub struct Variable {
    pub name: &'static str,
    pub question: &'static str,
    pub default: Option<&'static str>,
    pub kind: Kind,
    pub is_needed: bool,
}

/// Where a variable's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The spec, for everybody to read.
    Plain,
    /// A Kubernetes secret.
    Secret,
}

impl Template {
    /// Whether there is something to run without an answer about it.
    pub fn brings_program(&self, with_code: bool) -> bool {
        with_code || self.name != BLANK.name
    }

    /// Whether a script has to run beside `put`.
    pub fn has_consumer(&self) -> bool {
        self.consumer.is_some()
    }

    /// What the image has to have for a consumer in the spec, beside bash and spoutctl.
    pub fn programs(&self) -> &'static [&'static str] {
        self.programs
    }

    /// The variables of its consumer, if that runs.
    pub(super) fn variables_of(&self, with_code: bool) -> &'static [Variable] {
        if self.brings_program(with_code) {
            self.variables
        } else {
            &[]
        }
    }
}

const fn needed(name: &'static str, question: &'static str) -> Variable {
    Variable {
        name,
        question,
        default: None,
        kind: Kind::Plain,
        is_needed: true,
    }
}

const fn usual(name: &'static str, question: &'static str, default: &'static str) -> Variable {
    Variable {
        name,
        question,
        default: Some(default),
        kind: Kind::Plain,
        is_needed: false,
    }
}

const fn secret(name: &'static str, question: &'static str, is_needed: bool) -> Variable {
    Variable {
        name,
        question,
        default: None,
        kind: Kind::Secret,
        is_needed,
    }
}

const LINES: &[&str] = &["--messages", "lines", "--into", "messages.jsonl"];

/// `put` reads it by itself, so the spec is all there is.
const KAFKA: Template = Template {
    name: "kafka",
    title: "all partitions of Kafka topics",
    variables: &[
        needed("HOST", "Kafka's host, or several: HOST[:PORT],…"),
        usual("PORT", "the port of hosts without one", "9092"),
        needed("TOPIC", "the topic, or several: TOPIC,…"),
    ],
    taken: &[
        "--from",
        "kafka",
        "--envelope",
        "json",
        "--into",
        "{time:%Y/%m/%d}/{uuid}.jsonl",
    ],
    consumer: None,
    programs: &["spoutctl with Kafka built in, as a release has it"],
    packages: &[],
    image: "",
    port: None,
    about: "Each record is a line of JSON with its topic, partition, offset, timestamp, key, headers and value. A \
            commit has what came within five seconds, in a file of its own below its day, as `2026/11/30/….jsonl`. \
            Where each partition goes on stands in the commit itself, so no record is lost and none comes twice, \
            whatever is killed. For TLS and SASL, mount a secret that holds a `kafka.properties` (`--secret \
            kafka=/etc/kafka`), and add `\"--kafka-config\", \"/etc/kafka/kafka.properties\"` to `cmd`.",
};

/// For images whose spoutctl was built without Kafka.
const KCAT: Template = Template {
    name: "kcat",
    title: "a partition of a Kafka topic, read by kcat",
    variables: &[
        needed("KAFKA_BROKERS", "Kafka's brokers, HOST:PORT,…"),
        needed("KAFKA_TOPIC", "the topic"),
        usual("KAFKA_PARTITION", "the partition", "0"),
    ],
    taken: LINES,
    consumer: Some(include_str!("templates/kcat.sh")),
    programs: &["jq", "kcat"],
    packages: &["jq", "kcat"],
    image: "",
    port: None,
    about: "Each message is a line of `messages.jsonl` with its offset, key, time and payload, and a commit has what \
            came within five seconds. When it is started again it goes on behind the newest commit's last offset, so \
            no message is lost and none comes twice. It reads one partition: a topic with several needs a spout for \
            each, with another `KAFKA_PARTITION`. For TLS and SASL, mount a secret that holds kcat's options \
            (`--secret kcat=/etc/kcat`) and set `KCAT_CONFIG=/etc/kcat/kcat.conf`. Payloads have to be UTF-8.",
};

const MQTT: Template = Template {
    name: "mqtt",
    title: "MQTT messages, read by mosquitto_sub",
    variables: &[
        needed("MQTT_HOST", "the MQTT broker's host"),
        needed("MQTT_TOPIC", "the topic, or a filter such as sensors/#"),
        usual("MQTT_BROKER_PORT", "the broker's port", "1883"),
        usual(
            "MQTT_CLIENT_ID",
            "the name that the broker knows the spout by",
            "__NAME__",
        ),
        secret("MQTT_PASSWORD", "the password, with MQTT_USERNAME", false),
    ],
    taken: LINES,
    consumer: Some(include_str!("templates/mqtt.sh")),
    programs: &["mosquitto_sub"],
    packages: &["mosquitto-clients"],
    image: "",
    port: None,
    about: "Each message is a line of `messages.jsonl` with its topic, time and payload, and a commit has what came \
            within five seconds. While the spout is away the broker keeps what is published with QoS 1 or 2, as long \
            as `MQTT_CLIENT_ID` stays the same. mosquitto_sub acknowledges a message when it prints it: what was \
            printed and is not committed yet is lost when the pod is killed, as it is when the spout is stopped or \
            updated: the messages of two commits at most, those of ten seconds while pachd keeps up. With a password, \
            set `MQTT_USERNAME` and take `MQTT_PASSWORD` from a secret.",
};

const POSTGRES: Template = Template {
    name: "postgres",
    title: "new rows of a PostgreSQL table, read by psql",
    variables: &[
        needed("PGHOST", "PostgreSQL's host"),
        needed("PGDATABASE", "the database"),
        needed("PGUSER", "the user"),
        secret("PGPASSWORD", "the password", false),
        needed("SPOUT_TABLE", "the table"),
        usual("SPOUT_KEY", "its column that only grows", "id"),
        usual("SPOUT_AFTER", "rows after this value of it", "0"),
        usual("SPOUT_EVERY", "seconds between two looks", "5"),
    ],
    taken: LINES,
    consumer: Some(include_str!("templates/postgres.sh")),
    programs: &["jq", "psql"],
    packages: &["jq", "postgresql-client"],
    image: "",
    port: None,
    about: "Each new row is a line of `messages.jsonl`, `{\"key\": …, \"row\": {…}}`, in the order of `SPOUT_KEY`, and \
            a commit has what came within five seconds. When it is started again it goes on behind the newest commit's \
            last key, so no row comes twice. Rows have to become visible in the order of that column: where several \
            transactions write at once, one that commits late with a smaller key is not seen. Give such a table an \
            outbox that one process fills. Changes and deletions of rows are not seen either. The key has to be \
            unique, and a time needs `SPOUT_AFTER=-infinity`.",
};

const NATS: Template = Template {
    name: "nats",
    title: "NATS messages, read by nats",
    variables: &[
        needed("NATS_URL", "NATS's address, nats://HOST:PORT"),
        needed("NATS_SUBJECT", "the subject, or a pattern such as orders.>"),
        usual("NATS_QUEUE", "the queue group", "__NAME__"),
        secret("NATS_PASSWORD", "the password, with NATS_USER", false),
    ],
    taken: LINES,
    consumer: Some(include_str!("templates/nats.sh")),
    programs: &["nats"],
    packages: &[],
    image: "COPY --from=natsio/nats-box:0.19.5 /usr/local/bin/nats /usr/local/bin/nats\n",
    port: None,
    about: "Each message is a line of `messages.jsonl`, so a message must have no line end in it (one without content \
            is the line `nil body`), and a commit has what came within five seconds. This is core NATS, which keeps \
            nothing: what is published while the spout is away is not seen. For credentials, mount a secret (`--secret \
            nats=/etc/nats`) and set `NATS_CREDS=/etc/nats/user.creds`.",
};

const REDIS: Template = Template {
    name: "redis",
    title: "a Redis stream, read by redis-cli",
    variables: &[
        needed("REDIS_HOST", "Redis's host"),
        needed("REDIS_STREAM", "the stream's key"),
        usual("REDIS_SERVER_PORT", "Redis's port", "6379"),
        secret("REDISCLI_AUTH", "the password", false),
    ],
    taken: LINES,
    consumer: Some(include_str!("templates/redis.sh")),
    programs: &["jq", "redis-cli"],
    packages: &["jq", "redis-tools"],
    image: "",
    port: None,
    about: "Each entry is a line of `messages.jsonl`, `{\"id\": …, \"fields\": [NAME, VALUE, …]}`, and a commit has \
            what came within five seconds. When it is started again it goes on behind the newest commit's last id, so \
            no entry is lost, as long as the stream still has it, and none comes twice. It needs redis-cli 7.0 or \
            newer. Values have to be UTF-8.",
};

const WEBHOOK: Template = Template {
    name: "webhook",
    title: "the JSON of HTTP requests, received by webhook",
    variables: &[
        secret("WEBHOOK_SECRET", "the key by which senders sign", true),
        usual("WEBHOOK_LISTEN", "the port", "9000"),
    ],
    taken: LINES,
    consumer: Some(include_str!("templates/webhook.sh")),
    programs: &["flock", "jq", "webhook"],
    packages: &["jq", "webhook"],
    image: "",
    port: Some("WEBHOOK_LISTEN"),
    about: "`POST /hooks/messages` with JSON in the body and its HMAC-SHA256 in the header `X-Hub-Signature-256`, as \
            GitHub sends it. Each body is a line of `messages.jsonl`, and a commit has what came within five seconds. \
            The answer is 200 when the line is written, which is before its commit: what was answered and is not \
            committed yet is lost when the pod is killed, as it is when the spout is stopped or updated. The spec has \
            a service of type ClusterIP in front of it; TLS is for an ingress.",
};

const DIRECTORY: Template = Template {
    name: "directory",
    title: "the files of a directory, watched by inotifywait",
    variables: &[usual("SPOUT_DIRECTORY", "the directory", "/data")],
    taken: &["--escape-paths"],
    consumer: Some(include_str!("templates/directory.sh")),
    programs: &["inotifywait", "tar"],
    packages: &["inotify-tools"],
    image: "",
    port: None,
    about: "Each file that is closed after writing, or moved in, becomes a commit with that file. When it is started \
            again it sends those that the repo has not, or has otherwise. Files whose name begins with a dot are left \
            out: write `.x`, then move it to `x`. Deletions are not seen, and names have no line end. The directory \
            has to be in the pod: mount a volume at `SPOUT_DIRECTORY` with `podPatch`. inotify sees what this machine \
            writes, so over NFS it sees nothing that others write.",
};

/// The one that is a beginning only.
pub const BLANK: &Template = &Template {
    name: "blank",
    title: "a consumer of your own",
    variables: &[usual("SPOUT_EVERY", "seconds between two messages", "10")],
    taken: LINES,
    consumer: Some(include_str!("templates/blank.sh")),
    programs: &[],
    packages: &[],
    image: "",
    port: None,
    about: "Each line that the consumer prints is a line of `messages.jsonl`, and a commit has what came within five \
            seconds. `spoutctl put --help` says how else messages may be told apart, and where they may go.",
};

/// Every template, by name.
pub const ALL: &[&Template] = &[
    BLANK, &DIRECTORY, &KAFKA, &KCAT, &MQTT, &NATS, &POSTGRES, &REDIS, &WEBHOOK,
];

pub fn named(name: &str) -> Option<&'static Template> {
    ALL.iter().copied().find(|template| template.name == name)
}
