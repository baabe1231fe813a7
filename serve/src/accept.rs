//! Connections: taken as long as there is room, and over TLS where that was asked for.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::proxy::Proxy;
use crate::server::Phase;

/// How long to wait where the system has no more files for connections.
pub(crate) const OUT_OF_FILES: Duration = Duration::from_millis(50);

/// What a connection begins with that speaks HTTP/2 (RFC 9113 §3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Where requests come in.
pub(crate) struct Listening {
    pub(crate) listener: TcpListener,
    /// Whether it speaks TLS.
    pub(crate) tls: bool,
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// Whether it is spoken to over TLS.
    pub(crate) tls: bool,
}

/// What connections of one listener have in common.
struct Shared {
    proxy: Arc<Proxy>,
    builder: auto::Builder<TokioExecutor>,
}

/// A connection whose first bytes were read before.
struct Begun<S> {
    first: [u8; PREFACE.len()],
    /// Which of them are still to be read.
    left: std::ops::Range<usize>,
    stream: S,
}

/// Takes connections, for ever.
pub(crate) async fn accept(
    proxy: &Arc<Proxy>,
    listening: &Listening,
    room: &Arc<Semaphore>,
    graceful: &GracefulShutdown,
    ends: &watch::Receiver<Phase>,
) {
    let limits = &proxy.settings.limits;
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_headers(limits.headers)
        .max_buf_size(limits.header_bytes);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(Duration::from_secs(20));
    let shared = Arc::new(Shared {
        proxy: proxy.clone(),
        builder,
    });
    loop {
        // Never closed, so there is always a permit in the end.
        let Ok(permit) = room.clone().acquire_owned().await else {
            return;
        };
        let (stream, address) = match listening.listener.accept().await {
            Ok(accepted) => accepted,
            Err(_) => {
                sleep(OUT_OF_FILES).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let (shared, watcher) = (shared.clone(), graceful.watcher());
        let tls = listening.tls;
        let mut ends = ends.clone();
        tokio::spawn(async move {
            shared.proxy.metrics.connections.inc();
            let ending = ends.clone();
            let peer = Peer { address, tls };
            tokio::select! {
                () = shared.answer(stream, peer, watcher, ending) => {}
                _ = ends.wait_for(|phase| *phase >= Phase::Ended) => {}
            }
            shared.proxy.metrics.connections.dec();
            drop(permit);
        });
    }
}

impl Shared {
    async fn answer(
        self: &Arc<Shared>,
        stream: TcpStream,
        peer: Peer,
        watcher: Watcher,
        ending: watch::Receiver<Phase>,
    ) {
        let Some(tls) = self.proxy.tls.as_ref().filter(|_| peer.tls) else {
            return self.converse(stream, peer, watcher, ending).await;
        };
        let limit = self.proxy.settings.limits.header_timeout;
        let mut waits = ending.clone();
        let shaken = tokio::select! {
            shaken = timeout(limit, tls.acceptor().accept(stream)) => shaken,
            _ = waits.wait_for(|phase| *phase >= Phase::Draining) => return,
        };
        match shaken {
            Ok(Ok(stream)) => self.converse(stream, peer, watcher, ending).await,
            _ => {
                self.proxy.metrics.handshakes_failed.inc();
            }
        }
    }

    async fn converse<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
        self: &Arc<Shared>,
        stream: S,
        peer: Peer,
        watcher: Watcher,
        mut ending: watch::Receiver<Phase>,
    ) {
        let limit = self.proxy.settings.limits.header_timeout;
        let begun = tokio::select! {
            begun = timeout(limit, Begun::read(stream)) => match begun {
                Ok(Ok(begun)) => begun,
                _ => return,
            },
            // Nothing has been asked yet.
            _ = ending.wait_for(|phase| *phase >= Phase::Draining) => return,
        };
        let proxy = self.proxy.clone();
        let service = service_fn(move |request| {
            let proxy = proxy.clone();
            async move { Ok::<_, Infallible>(proxy.handle(peer, request).await) }
        });
        let connection = self.builder.serve_connection(TokioIo::new(begun), service);
        // What a client does wrong, or that it leaves, is its own affair.
        let _ = watcher.watch(connection).await;
    }
}

impl<S: AsyncRead + Unpin> Begun<S> {
    /// Waits until a connection has said which version it speaks: hyper would wait for that for ever.
    async fn read(mut stream: S) -> io::Result<Begun<S>> {
        let mut first = [0; PREFACE.len()];
        let mut read = 0;
        while read < first.len() && first[..read] == PREFACE[..read] {
            match stream.read(&mut first[read..]).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                more => read += more,
            }
        }
        Ok(Begun {
            first,
            left: 0..read,
            stream,
        })
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Begun<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, to);
        }
        let end = self.left.end.min(self.left.start + to.remaining());
        to.put_slice(&self.first[self.left.start..end]);
        self.left.start = end;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Begun<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    /// Whatever comes first, however it is cut, comes out as it was.
    #[tokio::test]
    async fn what_was_read_first_is_read_again() {
        let two = [&PREFACE[..], b" and more"].concat();
        for (sent, first) in [
            (&b"GET / HTTP/1.1\r\n"[..], 0),
            (&two, 5),
            (b"PRI * HTTP/1.1\r\n\r\n.........", 7),
        ] {
            let (mut near, far) = tokio::io::duplex(64);
            near.write_all(&sent[..first]).await.unwrap();
            let begun = tokio::spawn(Begun::read(far));
            near.write_all(&sent[first..]).await.unwrap();
            let mut begun = begun.await.unwrap().unwrap();
            drop(near);
            let mut all = Vec::new();
            begun.read_to_end(&mut all).await.unwrap();
            assert_eq!(all, sent);
        }
        let (near, far) = tokio::io::duplex(64);
        drop(near);
        assert!(Begun::read(far).await.is_err());
    }
}
