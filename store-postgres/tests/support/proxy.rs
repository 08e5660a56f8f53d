//! Proxies that lose an answer of the server's, hold it back, or fall silent.
use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{oneshot, watch},
};

/// Passes everything on, until a client's message holds `text`: that one is passed on, and when the server has answered, the
/// connection ends without the answer. Answers the port.
pub async fn losing_the_answer_to(text: &'static str) -> u16 {
    let server = server();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let port = listener.local_addr().expect("has an address").port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&server).await.expect("connects");
            tokio::spawn(pass(client, server, text));
        }
    });
    port
}

async fn pass(mut client: TcpStream, mut server: TcpStream, text: &str) {
    let (mut from_client, mut from_server) = (vec![0; 65_536], vec![0; 65_536]);
    let mut lose = false;
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => match read {
                Ok(count @ 1..) => {
                    let bytes = &from_client[..count];
                    lose |= bytes.windows(text.len()).any(|some| some == text.as_bytes());
                    if server.write_all(bytes).await.is_err() { return; }
                }
                _ => return,
            },
            read = server.read(&mut from_server) => match read {
                Ok(count @ 1..) if !lose => {
                    if client.write_all(&from_server[..count]).await.is_err() { return; }
                }
                _ => return,
            },
        }
    }
}

/// Passes everything on, but holds the answer back to a client's message that holds `text`, the first time: until it is let go. Answers the port, what
/// completes when the answer is held, and what lets it go.
pub async fn holding_the_answer_to(
    text: &'static str,
) -> (u16, oneshot::Receiver<()>, oneshot::Sender<()>) {
    let server = server();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let port = listener.local_addr().expect("has an address").port();
    let (is_held, held) = oneshot::channel();
    let (go_on, let_go) = oneshot::channel();
    let hold = Arc::new(Mutex::new(Some((is_held, let_go))));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&server).await.expect("connects");
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            let hold = Arc::clone(&hold);
            let answers = Arc::new(tokio::sync::Mutex::new(()));
            let held_answers = Arc::clone(&answers);
            tokio::spawn(async move {
                let mut bytes = vec![0; 65_536];
                while let Ok(count @ 1..) = from_client.read(&mut bytes).await {
                    let bytes = &bytes[..count];
                    let found = bytes
                        .windows(text.len())
                        .any(|some| some == text.as_bytes());
                    let hold = hold.lock().expect("no panic").take_if(|_| found);
                    if let Some((is_held, let_go)) = hold {
                        let held = Arc::clone(&held_answers).lock_owned().await;
                        let _ = is_held.send(());
                        tokio::spawn(async move {
                            let _ = let_go.await;
                            drop(held);
                        });
                    }
                    if to_server.write_all(bytes).await.is_err() {
                        return;
                    }
                }
            });
            tokio::spawn(async move {
                let mut bytes = vec![0; 65_536];
                while let Ok(count @ 1..) = from_server.read(&mut bytes).await {
                    let _passing = answers.lock().await;
                    if to_client.write_all(&bytes[..count]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (port, held, go_on)
}

/// Where the server listens.
fn server() -> String {
    let server = url::Url::parse(&super::url()).expect("is a url");
    format!(
        "{}:{}",
        server.host_str().expect("has a host"),
        server.port().unwrap_or(5432)
    )
}

/// Passes everything on until it is told to be silent, as a network is that lost the server.
pub struct Silencer {
    pub port: u16,
    is_silent: Arc<watch::Sender<bool>>,
}

impl Silencer {
    /// A way to the server at a port.
    pub async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
        let port = listener.local_addr().expect("has an address").port();
        let is_silent = Arc::new(watch::Sender::new(false));
        let silence = Arc::clone(&is_silent);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut silence = silence.subscribe();
                tokio::spawn(async move {
                    if *silence.borrow() {
                        return std::future::pending().await;
                    }
                    let mut server = TcpStream::connect(("127.0.0.1", server))
                        .await
                        .expect("connects");
                    tokio::select! {
                        _ = silence.wait_for(|silent| *silent) => {}
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => return,
                    }
                    // Both ends stay open.
                    std::future::pending::<()>().await;
                });
            }
        });
        Self { port, is_silent }
    }

    pub fn silence(&self) {
        self.is_silent.send_replace(true);
    }
}
