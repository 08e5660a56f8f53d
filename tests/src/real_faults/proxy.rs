//! A way to a server that fails as networks do.
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// What becomes of what a client says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NetworkFault {
    /// It comes late.
    Delay(Duration),
    /// It does not come: the connection is gone.
    Cut,
    /// It does not come: the server sees the end of what the client says, and the client still hears the server.
    HalfClose,
    /// It comes, and the connection is gone before the server's answer is heard.
    LoseAnswer,
}

/// Which faults there are, by the number of what clients say, from 0.
#[derive(Clone)]
pub(super) struct NetworkPlan(Arc<dyn Fn(usize) -> Option<NetworkFault> + Send + Sync>);

impl NetworkPlan {
    pub(super) fn none() -> Self {
        Self(Arc::new(|_| None))
    }

    /// One fault, at this number.
    pub(super) fn at(number: usize, fault: NetworkFault) -> Self {
        Self(Arc::new(move |said| (said == number).then_some(fault)))
    }

    /// A fault of any kind, once in so many times.
    pub(super) fn random(seed: u64, once_in: u32) -> Self {
        let random = Mutex::new(fastrand::Rng::with_seed(seed));
        Self(Arc::new(move |_| {
            let mut random = random.lock().unwrap_or_else(PoisonError::into_inner);
            if random.u32(0..once_in) > 0 {
                return None;
            }
            Some(match random.u8(0..4) {
                0 => NetworkFault::Delay(Duration::from_millis(random.u64(1..30))),
                1 => NetworkFault::Cut,
                2 => NetworkFault::HalfClose,
                _ => NetworkFault::LoseAnswer,
            })
        }))
    }
}

/// Passes on what clients and a server say, but for what its plan says.
pub(super) struct Proxy {
    /// Where it listens, as a URL has it.
    pub(super) address: String,
    state: Arc<Mutex<State>>,
    fired: Arc<AtomicUsize>,
}

struct State {
    plan: NetworkPlan,
    said: usize,
}

impl Proxy {
    /// A way to the server at this `host:port`, without faults so far.
    pub(super) async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
        let proxy = Self {
            address: listener.local_addr().expect("an address").to_string(),
            state: Arc::new(Mutex::new(State {
                plan: NetworkPlan::none(),
                said: 0,
            })),
            fired: Arc::default(),
        };
        let (state, fired) = (Arc::clone(&proxy.state), Arc::clone(&proxy.fired));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await;
                let server = server.expect("reaches the server");
                tokio::spawn(pass(client, server, Arc::clone(&state), Arc::clone(&fired)));
            }
        });
        proxy
    }

    /// Replaces the plan, which counts from 0.
    pub(super) fn set_plan(&self, plan: NetworkPlan) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State { plan, said: 0 };
    }

    /// How many faults there were.
    pub(super) fn fired(&self) -> usize {
        self.fired.load(Ordering::SeqCst)
    }
}

fn next_fault(state: &Mutex<State>) -> Option<NetworkFault> {
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let number = state.said;
    state.said += 1;
    (state.plan.0)(number)
}

async fn pass(
    mut client: TcpStream,
    mut server: TcpStream,
    state: Arc<Mutex<State>>,
    fired: Arc<AtomicUsize>,
) {
    let (mut from_client, mut from_server) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let (mut lose, mut closed) = (false, false);
    loop {
        tokio::select! {
            read = client.read(&mut from_client), if !closed => {
                let Ok(count @ 1..) = read else { return };
                let fault = next_fault(&state);
                fired.fetch_add(usize::from(fault.is_some()), Ordering::SeqCst);
                match fault {
                    None => {}
                    Some(NetworkFault::Delay(time)) => tokio::time::sleep(time).await,
                    Some(NetworkFault::Cut) => return,
                    Some(NetworkFault::HalfClose) => {
                        closed = true;
                        if server.shutdown().await.is_err() { return }
                        continue;
                    }
                    Some(NetworkFault::LoseAnswer) => lose = true,
                }
                if server.write_all(&from_client[..count]).await.is_err() { return }
            }
            read = server.read(&mut from_server) => {
                let Ok(count @ 1..) = read else { return };
                if lose || client.write_all(&from_server[..count]).await.is_err() { return }
            }
        }
    }
}
