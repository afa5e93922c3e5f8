//! The loopback server that receives the redirect of the browser (RFC 8252 7.3).

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// The maximum size of a request; a browser sends a few hundred bytes.
const MAX_REQUEST: usize = 16 * 1024;
/// The timeout of one connection.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct Loopback {
    listener: TcpListener,
    port: u16,
}

impl Loopback {
    pub(super) async fn open() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    /// Returns the redirect URI. The application is registered with `http://localhost`, which allows any port.
    pub(super) fn address(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Waits for the browser and returns the authorization code. Requests without the right `state` get a 404.
    ///
    /// `Err` is the refusal that the service sent to the browser.
    pub(super) async fn answer(&self, state: &str) -> Result<String, String> {
        loop {
            let Ok((mut stream, _)) = self.listener.accept().await else { continue };
            let read = tokio::time::timeout(CONNECTION_TIMEOUT, request_target(&mut stream)).await;
            let Ok(Some(target)) = read else { continue };
            let answer = parse(&target, state);
            let (status, text) = match &answer {
                None => ("404 Not Found", "There is nothing here."),
                Some(Ok(_)) => ("200 OK", "You are signed in. You may close this window."),
                Some(Err(_)) => ("200 OK", "You are not signed in. You may close this window."),
            };
            let page = format!("<!doctype html><meta charset=utf-8><title>Onramp</title><p>{text}</p>");
            let reply = format!(
                "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{page}",
                page.len()
            );
            // The code counts even if the browser does not show the page any more.
            let _ = tokio::time::timeout(CONNECTION_TIMEOUT, stream.write_all(reply.as_bytes())).await;
            if let Some(answer) = answer {
                return answer;
            }
        }
    }
}

/// Returns path and query of a GET request; `None` for anything else.
async fn request_target(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut chunk = [0; 1024];
        let count = stream.read(&mut chunk).await.ok()?;
        if count == 0 || request.len() > MAX_REQUEST {
            return None;
        }
        request.extend_from_slice(chunk.get(..count)?);
    }
    let text = String::from_utf8(request).ok()?;
    let mut words = text.lines().next()?.split(' ');
    (words.next()? == "GET").then(|| words.next().map(str::to_owned)).flatten()
}

/// Parses the code or the refusal from a redirect; `None` if it is not the expected redirect.
fn parse(target: &str, state: &str) -> Option<Result<String, String>> {
    let url = Url::parse("http://localhost").ok()?.join(target).ok()?;
    let get =
        |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    if get("state")? != state {
        return None;
    }
    match (get("code"), get("error")) {
        (Some(code), _) => Some(Ok(code)),
        (None, Some(error)) => {
            Some(Err(get("error_description").map_or(error.clone(), |text| format!("{error}: {text}"))))
        }
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_with_the_right_state_counts() {
        assert_eq!(parse("/?code=c&state=s", "s"), Some(Ok("c".into())));
        assert_eq!(parse("/?code=c&state=other", "s"), None);
        assert_eq!(parse("/?code=c", "s"), None);
        assert_eq!(parse("/favicon.ico", "s"), None);
        let refused = parse("/?error=access_denied&error_description=No+thanks&state=s", "s");
        assert_eq!(refused, Some(Err("access_denied: No thanks".into())));
        assert_eq!(parse("/?state=s", "s"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_target_makes_parsing_panic(target in "\\PC{0,80}", state in "\\PC{0,10}") {
            let _ = parse(&target, &state);
        }
    }
}
