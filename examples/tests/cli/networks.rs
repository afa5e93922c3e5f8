//! `onboard` behind a corporate proxy, with and without TLS inspection, and in a named cloud.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::world::{World, files};

const DOMAIN: &str = "[spec]\ndomain = 'contoso.com'\n";
/// `onramp:let-Me-in` in base64.
const CREDENTIALS: &str = "Basic b25yYW1wOmxldC1NZS1pbg==";

/// An HTTP proxy that lets those through who sign in, and notes the hosts that they ask for.
struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::default());
        let notes: Arc<Mutex<Vec<String>>> = Arc::clone(&asked);
        // Ends with the test's process.
        thread::spawn(move || {
            for connection in listener.incoming() {
                let notes = Arc::clone(&notes);
                thread::spawn(move || tunnel(connection.unwrap(), &notes));
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn tunnel(mut client: TcpStream, asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let (mut target, mut signed_in) = (String::new(), false);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or_default() == 0 {
            return;
        }
        let line = line.trim_end();
        if let Some(rest) = line.strip_prefix("CONNECT ") {
            target = rest.split(' ').next().unwrap().to_owned();
        }
        signed_in |= line.to_lowercase().starts_with("proxy-authorization:") && line.ends_with(CREDENTIALS);
        if line.is_empty() {
            break;
        }
    }
    asked.lock().unwrap().push(target.clone());
    if !signed_in {
        let _ = client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
        return;
    }
    let mut server = TcpStream::connect(target).unwrap();
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
    let (mut from_client, mut to_server) = (reader, server.try_clone().unwrap());
    let up = thread::spawn(move || {
        pump(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    pump(&mut server, &mut client);
    let _ = client.shutdown(Shutdown::Both);
    let _ = up.join();
}

fn pump(from: &mut impl Read, to: &mut impl Write) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..read]).is_err() {
            return;
        }
    }
}

fn with_tenant(world: &World, lines: &str) -> String {
    world.desk.text(DOMAIN).replace("[forest]\n", &format!("{lines}[forest]\n"))
}

fn section(proxy: &Proxy) -> String {
    let url = format!("http://{}", proxy.address);
    format!("[tenant.proxy]\nurl = '{url}'\nuser = 'onramp'\npassword = {{ file = 'proxy.password' }}\n")
}

fn world() -> World {
    let world = World::new(20);
    std::fs::write(world.desk.path("proxy.password"), "let-Me-in\n").unwrap();
    world
}

#[test]
fn every_request_to_the_tenant_goes_through_the_proxy_of_the_configuration() {
    let (world, proxy) = (world(), Proxy::start());
    world.desk.configure(&with_tenant(&world, &section(&proxy)));
    // A proxy that the environment names is not asked then.
    let other = Proxy::start();
    let variable = format!("http://{}", other.address);
    let ended = world.desk.onboard_with(&["--yes"], &[("HTTPS_PROXY", &variable)]).with_code(0);
    assert!(!proxy.asked().is_empty() && other.asked().is_empty());
    let written = files(&world.desk.path("out")).into_iter().map(|(_, text)| text);
    for text in written.chain([ended.said]) {
        assert!(!text.contains("let-Me-in") && !text.contains(CREDENTIALS), "{text}");
    }
}

#[test]
fn the_proxy_of_the_environment_is_used_and_its_refusal_told() {
    let (world, proxy) = (world(), Proxy::start());
    let variable = format!("http://{}", proxy.address);
    let ended = world.desk.onboard_with(&["--yes"], &[("HTTPS_PROXY", &variable)]).with_code(1);
    assert!(!proxy.asked().is_empty());
    assert!(ended.said.contains("the proxy wants a sign-in (407)"), "{}", ended.said);
}

#[test]
fn an_authority_that_inspects_tls_is_trusted_beside_those_of_the_machine() {
    let world = world();
    let text = world.desk.text(DOMAIN);
    world.desk.configure(&text.replace("trust_root = 'tenant-ca.pem'\n", ""));
    world.desk.onboard(&["--yes"]).with_code(1);
    world.desk.configure(&text.replace("trust_root = 'tenant-ca.pem'", "extra_trust_root = 'tenant-ca.pem'"));
    world.desk.onboard(&["--yes"]).with_code(0);
}

#[test]
fn a_cloud_is_named() {
    let world = world();
    for (name, host) in [
        ("global", "login.microsoftonline.com"),
        ("usgov", "login.microsoftonline.us"),
        ("usgov-dod", "login.microsoftonline.us"),
        ("china", "login.partner.microsoftonline.cn"),
    ] {
        // It lets nobody through, so that nothing leaves the machine.
        let proxy = Proxy::start();
        let text = with_tenant(&world, &section(&proxy)).replace("'onramp'\n", "'stranger'\n");
        let at = text.find("endpoints = ").unwrap();
        let end = at + text[at..].find('\n').unwrap();
        world.desk.configure(&format!("{}cloud = '{name}'{}", &text[..at], &text[end..]));
        world.desk.onboard(&["--yes"]).with_code(1);
        let asked = proxy.asked();
        assert!(!asked.is_empty(), "{name}");
        assert!(asked.iter().all(|target| *target == format!("{host}:443")), "{name}: {asked:?}");
    }
    for (line, words) in [
        ("cloud = 'germany'\n", "the clouds are global, usgov, usgov-dod, china"),
        ("cloud = 'usgov'\n", "`cloud` and `endpoints` both say where the tenant is"),
        (
            "[tenant.proxy]\nurl = 'http://onramp:let-Me-in@proxy:8080'\n",
            "Write `user` and `password` beside `url`",
        ),
        ("[tenant.proxy]\nurl = 'proxy:8080'\n", "Write http://proxy.corp.example:8080"),
        ("[tenant.proxy]\nurl = 'http://proxy:8080'\nuser = 'onramp'\n", "belong together"),
    ] {
        world.desk.configure(&with_tenant(&world, line));
        let ended = world.desk.onboard(&["--yes"]).with_code(1);
        assert!(ended.said.contains(words) && !ended.said.contains("let-Me-in"), "{line}: {}", ended.said);
    }
}
