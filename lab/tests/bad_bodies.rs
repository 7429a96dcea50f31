//! Bodies that are too long, are not what was declared, never come, or come where none belongs.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::Value;
use skewguard_lab::{Answer, CodeFormat, Lab, Manager, ManagerSetup, Outgoing, Release};

/// The most that a body may have, in bytes.
const LIMIT: usize = 64 * 1024;

/// The path of a registration.
const PATH: &str = "/version/op-auth";

const CHUNKED: &str = "Transfer-Encoding: chunked";

/// A lab with a manager that knows one bundle.
struct Stage<'a> {
    lab: &'a Lab,
    manager: Manager<'a>,
    known: Release,
}

impl<'a> Stage<'a> {
    fn new(lab: &'a Lab) -> Self {
        let manager = Manager::start(lab, ManagerSetup::Complete).expect("a manager");
        let known = Release::new(CodeFormat::One, 20);
        let stage = Self { lab, manager, known };
        assert_eq!(stage.register_again().status, 200);
        stage
    }

    fn register_again(&self) -> Answer {
        self.manager.register("op-auth", &self.known).expect("an answer")
    }

    fn status(&self) -> Value {
        let answer = self.manager.status().expect("an answer");
        assert_eq!(answer.status, 200, "the manager still answers");
        answer.json()
    }

    /// Sends a request until it is answered. A server may answer, and close the connection, before
    /// the last of a body is written; a client that is still writing then finds a broken pipe, and
    /// that is no fault of either.
    fn answer(&self, method: &str, url: &str, outgoing: &Outgoing) -> Answer {
        let send = || self.lab.client().send(method, url, outgoing.clone());
        let broken =
            |problem: &String| problem.contains("Broken pipe") || problem.contains("reset");
        let mut answers = (0..20).map(|_| send());
        let answered = answers.find(|answer| !answer.as_ref().is_err_and(broken));
        answered.expect("the connection broke again and again").expect("an answer")
    }

    /// Sends the known bundle's registration, made `size` bytes long, in both ways to both doors.
    fn send_padded(&self, size: usize) -> Vec<Answer> {
        let mut body = self.known.registration().to_string();
        body.push_str(&" ".repeat(size - body.len()));
        let outgoing = Outgoing::new().token(self.lab.secret());
        let outgoing = outgoing.header("Content-Type", "application/json").body(body);
        let send = |door: &String, outgoing: &Outgoing| {
            let url = format!("{door}{PATH}");
            self.answer("POST", &url, outgoing)
        };
        let ways = [outgoing.clone(), outgoing.chunked()];
        let doors = self.manager.doors();
        doors.iter().flat_map(|door| ways.iter().map(|way| send(door, way))).collect()
    }

    /// Opens a connection to a door, and begins a registration on it: `framing` is the header
    /// that says how long the body is, `body` what is sent of it.
    fn begin(&self, door: &str, framing: &str, body: &str) -> TcpStream {
        let address = door.strip_prefix("http://").expect("a URL");
        let (authority, prefix) = address.split_once('/').unwrap_or((address, ""));
        let path = format!("/{prefix}{PATH}").replace("//", "/");
        let mut stream = TcpStream::connect(authority).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\n{framing}\r\n\r\n{body}",
            self.lab.secret()
        );
        stream.write_all(request.as_bytes()).expect("a connection");
        stream
    }
}

/// The status of the first answer on a connection.
fn first_status(mut stream: &TcpStream) -> String {
    let mut line = [0; 12];
    stream.read_exact(&mut line).expect("an answer");
    let line = String::from_utf8_lossy(&line);
    line.strip_prefix("HTTP/1.1 ").expect("an HTTP answer").to_owned()
}

#[test]
fn a_body_may_have_64_kib_and_not_a_byte_more() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let before = stage.status();
    for answer in stage.send_padded(LIMIT) {
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    for answer in stage.send_padded(LIMIT + 1) {
        assert_eq!((answer.status, answer.code().as_str()), (413, "payload_too_large"));
        assert_ne!(answer.json()["message"], Value::Null);
    }
    assert_eq!(stage.status(), before);
}

#[test]
fn a_body_that_is_too_long_is_refused_before_the_rest_of_it_comes() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let begun = format!("40000000\r\n{}", " ".repeat(LIMIT + 1));
    for door in stage.manager.doors() {
        for (framing, body) in [("Content-Length: 65537", "{"), (CHUNKED, begun.as_str())] {
            let stream = stage.begin(&door, framing, body);
            assert_eq!(first_status(&stream), "413", "{framing} at {door}");
        }
    }
}

#[test]
fn a_body_that_is_not_what_it_declares_is_refused_and_harms_nobody() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let newer = Release::new(CodeFormat::One, 0).registration().to_string();
    let (half, chunk) = (&newer[..newer.len() / 2], format!("{:x}\r\n{newer}\r\n", newer.len()));
    let (shorter, longer) = (newer.len() - 1, newer.len() + 1);
    let cases = [
        (format!("Content-Length: {shorter}"), newer.as_str()),
        (format!("Content-Length: {longer}"), &newer),
        (format!("Content-Length: {longer}"), half),
        ("Content-Length: 0".to_owned(), &newer),
        ("Content-Length: -1".to_owned(), &newer),
        ("Content-Length: 99999999999999999999".to_owned(), &newer),
        ("Content-Length: all".to_owned(), &newer),
        ("X-Length: none".to_owned(), &newer),
        (CHUNKED.to_owned(), half),
        // The chunk that says that there are no more is missing.
        (CHUNKED.to_owned(), &chunk),
        (CHUNKED.to_owned(), "not a length\r\n"),
        (CHUNKED.to_owned(), "ffffffffffffffffff\r\n{}"),
    ];
    let before = stage.status();
    for (framing, body) in &cases {
        for door in stage.manager.doors() {
            let stream = stage.begin(&door, framing, body);
            stream.shutdown(Shutdown::Write).expect("a connection");
            assert_eq!(first_status(&stream), "400", "{framing} at {door}");
            // The same from a client that is gone before the answer.
            drop(stage.begin(&door, framing, body));
        }
    }
    assert_eq!(stage.status(), before);
    assert_eq!(lab.transcript().events("storage_failed"), [] as [Value; 0]);
}

#[test]
fn bodies_that_never_come_keep_nobody_else_waiting() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let before = stage.status();
    let doors = stage.manager.doors();
    let waiting: Vec<_> =
        (0..64).map(|index| stage.begin(&doors[index % 2], "Content-Length: 100", "{")).collect();
    let answer = stage.register_again();
    assert_eq!(answer.status, 200);
    assert!(answer.took < Duration::from_secs(5), "{:?}", answer.took);
    drop(waiting);
    assert_eq!(stage.status(), before);
}

#[test]
fn a_body_where_none_belongs_is_ignored() {
    let lab = Lab::new().expect("a lab");
    let stage = Stage::new(&lab);
    let expected = stage.status();
    let outgoing = Outgoing::new().token(lab.secret()).json(&stage.known.registration());
    for outgoing in [outgoing.clone(), outgoing.chunked()] {
        for door in stage.manager.doors() {
            let url = format!("{door}/version-manager/status");
            let answer = stage.answer("GET", &url, &outgoing);
            assert_eq!((answer.status, answer.json()), (200, expected.clone()), "{url}");
        }
    }
}
