use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{Result, stores::Store};

/// A connection that speaks no more of the protocol than the yardstick needs.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// To a URL without user and password, such as that of a throw-away server.
    pub(crate) async fn open(url: &str) -> Result<Self> {
        let address = url.trim_start_matches("redis://").trim_end_matches('/');
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; 64 * 1024],
        })
    }

    /// Sends commands at once and reads as many lines of answer.
    pub(crate) async fn send(&mut self, commands: &[u8], answers: usize) -> Result<()> {
        self.stream.write_all(commands).await?;
        let mut lines = 0;
        while lines < answers {
            let read = self.stream.read(&mut self.buffer).await?;
            let answer = &self.buffer[..read];
            if read == 0 || answer.starts_with(b"-") {
                return Err(format!("redis: {}", String::from_utf8_lossy(answer)).into());
            }
            lines += answer.iter().filter(|&&byte| byte == b'\n').count();
        }
        Ok(())
    }

    async fn until_rewritten(&mut self) -> Result<()> {
        while !self.is_rewritten().await? {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Whether no rewrite of the log is under way or about to begin.
    async fn is_rewritten(&mut self) -> Result<bool> {
        let info = command(&["INFO", "persistence"]);
        self.stream.write_all(&info).await?;
        let read = self.stream.read(&mut self.buffer).await?;
        let answer = String::from_utf8_lossy(&self.buffer[..read]);
        let idle = ["aof_rewrite_in_progress:0", "aof_rewrite_scheduled:0"];
        Ok(idle.iter().all(|line| answer.contains(line)))
    }
}

/// Empties the server and its log, and sets how it syncs.
pub(crate) async fn reset(url: &str, store: Store) -> Result<()> {
    let Some(policy) = store.appendfsync() else {
        return Ok(());
    };
    let mut connection = Connection::open(url).await?;
    connection.send(&command(&["FLUSHALL"]), 1).await?;
    let set = command(&["CONFIG", "SET", "appendfsync", policy]);
    connection.send(&set, 1).await?;
    // It may be at it of its own accord, and refuses a second time.
    connection.until_rewritten().await?;
    connection.send(&command(&["BGREWRITEAOF"]), 1).await?;
    connection.until_rewritten().await
}

/// A command as the protocol writes it.
pub(crate) fn command(words: &[&str]) -> Vec<u8> {
    let mut text = format!("*{}\r\n", words.len());
    for word in words {
        text.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    text.into_bytes()
}
