use std::{collections::VecDeque, io, time::Duration};

use durable_api::store::{StoreResult, Wakeup};
use futures::{Stream, StreamExt as _, stream};
use redis::{
    Client, RedisError, Value,
    aio::{PubSubSink, PubSubStream},
};
use tokio::time::{sleep, timeout};

use super::message::hints;
use crate::{
    RedisOptions,
    error::{Progress, from_driver},
    keys::Keys,
};

/// How long to wait before the second attempt to connect anew, and at most before later ones.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Opens connections for hints.
#[derive(Clone)]
pub(crate) struct Subscriber {
    /// Of a cluster, any node will do: each passes on what another publishes.
    clients: Vec<Client>,
    channel: String,
    connect_timeout: Duration,
    response_timeout: Duration,
}

/// A connection that is subscribed.
pub(super) struct Subscription {
    sink: PubSubSink,
    messages: PubSubStream,
}

impl Subscriber {
    pub(crate) fn new(options: &RedisOptions, keys: &Keys) -> StoreResult<Self> {
        let nodes = match options.is_cluster() {
            true => options.nodes(),
            false => std::slice::from_ref(options.first_node()),
        };
        let clients = nodes
            .iter()
            .map(|node| Client::open(node.clone()))
            .collect::<Result<_, _>>()
            .map_err(|error| from_driver("connect", Progress::NotSent, error))?;
        Ok(Self {
            clients,
            channel: keys.wakeups(),
            connect_timeout: options.connect_timeout,
            response_timeout: options.response_timeout,
        })
    }

    pub(super) fn channel(&self) -> &str {
        &self.channel
    }

    /// A subscription on the first node that grants one, or the last one's error.
    pub(super) async fn subscribe(&self) -> Result<Subscription, RedisError> {
        let mut last = timed_out();
        for client in &self.clients {
            match self.subscribe_at(client).await {
                Ok(subscription) => return Ok(subscription),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn subscribe_at(&self, client: &Client) -> Result<Subscription, RedisError> {
        let connecting = timeout(self.connect_timeout, client.get_async_pubsub());
        let (mut sink, messages) = connecting.await.map_err(|_| timed_out())??.split();
        let subscribing = timeout(self.response_timeout, sink.subscribe(&self.channel));
        subscribing.await.map_err(|_| timed_out())??;
        Ok(Subscription { sink, messages })
    }

    /// The hints of a subscription, and of those that follow it when its connection breaks.
    pub(super) fn follow(self, subscription: Subscription) -> impl Stream<Item = Wakeup> + Send {
        let state = Following {
            subscriber: self,
            subscription: Some(subscription),
            hints: VecDeque::new(),
        };
        stream::unfold(state, async |mut state| {
            let hint = state.next().await;
            Some((hint, state))
        })
    }

    /// A subscription, however long it takes.
    async fn persist(&self) -> Subscription {
        let mut pause = FIRST_PAUSE;
        let mut is_told = false;
        loop {
            match self.subscribe().await {
                Ok(subscription) => {
                    tracing::info!(channel = self.channel, "hints from redis come again");
                    return subscription;
                }
                Err(error) if !is_told => {
                    is_told = true;
                    tracing::warn!(channel = self.channel, %error, "no hints from redis for now");
                }
                Err(_) => {}
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

struct Following {
    subscriber: Subscriber,
    /// `None` once the connection broke.
    subscription: Option<Subscription>,
    /// What was received and not given yet.
    hints: VecDeque<Wakeup>,
}

impl Following {
    async fn next(&mut self) -> Wakeup {
        loop {
            if let Some(hint) = self.hints.pop_front() {
                return hint;
            }
            match &mut self.subscription {
                Some(subscription) => {
                    match subscription.next(self.subscriber.response_timeout).await {
                        Some(message) => self.hints.extend(hints(&message)),
                        None => self.subscription = None,
                    }
                }
                None => {
                    self.subscription = Some(self.subscriber.persist().await);
                    return Wakeup::Everything;
                }
            }
        }
    }
}

impl Subscription {
    /// The next message; `None` when the connection is broken or hangs: after a silence as long as an answer may
    /// take, the server is asked whether it is still there.
    async fn next(&mut self, patience: Duration) -> Option<Vec<u8>> {
        loop {
            match timeout(patience, self.messages.next()).await {
                Ok(message) => return message.map(|message| message.get_payload_bytes().to_vec()),
                Err(_) => match timeout(patience, self.sink.ping::<Value>()).await {
                    Ok(Ok(_)) => {}
                    _ => return None,
                },
            }
        }
    }
}

fn timed_out() -> RedisError {
    io::Error::from(io::ErrorKind::TimedOut).into()
}
