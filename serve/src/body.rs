//! Bodies: streamed through as they come, with what happens once they have ended.

use std::error::Error;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full, LengthLimitError, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::timeout;

use crate::proxy::Stopped;
use crate::tail::Tail;

/// The body of a request on its way to an upstream: one that is there, perhaps empty, or one that comes as it is sent.
pub(crate) struct Sent {
    body: Either<Full<Bytes>, Limited<Incoming>>,
    sending: Arc<Sending>,
}

/// How the client fares with sending a body, so that no endpoint is blamed for its client.
#[derive(Debug, Default)]
pub(crate) struct Sending {
    /// A [`Sender`] by its number.
    sender: AtomicU8,
    ended: OnceLock<Instant>,
}

/// What who sends a body did when it was last asked for more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sender {
    /// It sent some, or the end.
    Keeps = 0,
    /// It is waited for.
    Slow = 1,
    /// It went away, or what it sends is no body.
    Left = 2,
    /// It sends more than is allowed.
    TooLong = 3,
}

/// The body of a response on its way to a client. When it is dropped the request is at its end, and what its tail does is done.
pub(crate) struct Answered {
    from: From,
    tail: Tail,
}

enum From {
    Whole(Option<Bytes>),
    Upstream(Incoming),
}

/// Reads a body to its end, for rules that look at it.
///
/// # Errors
/// When it is longer than `most`, takes longer than `limit`, or breaks off.
pub(crate) async fn read(body: Incoming, most: usize, limit: Duration) -> Result<Bytes, Stopped> {
    let too_long = || {
        let why = format!("the body is longer than the {most} bytes that are read for the rules");
        Err((413, why))
    };
    if body.size_hint().lower() > most as u64 {
        return too_long();
    }
    match timeout(limit, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => too_long(),
        Ok(Err(_)) => Err((400, "the body broke off".into())),
        Err(_) => Err((408, "the body came too slowly".into())),
    }
}

impl Sent {
    /// A body that is there.
    pub(crate) fn whole(body: Bytes) -> Sent {
        Sent::new(Either::Left(Full::new(body)))
    }

    /// A body of at most so many bytes.
    pub(crate) fn limited(body: Incoming, most: u64) -> Sent {
        if body.is_end_stream() {
            return Sent::whole(Bytes::new());
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Sent::new(Either::Right(Limited::new(body, most)))
    }

    /// The same once more, where it is there.
    pub(crate) fn again(&self) -> Option<Sent> {
        match &self.body {
            Either::Left(body) => Some(Sent::new(Either::Left(body.clone()))),
            Either::Right(_) => None,
        }
    }

    fn new(body: Either<Full<Bytes>, Limited<Incoming>>) -> Sent {
        let sending = Arc::default();
        Sent { body, sending }
    }

    pub(crate) fn sending(&self) -> Arc<Sending> {
        self.sending.clone()
    }
}

impl Default for Sent {
    fn default() -> Sent {
        Sent::whole(Bytes::new())
    }
}

impl Sending {
    pub(crate) fn sender(&self) -> Sender {
        let all = [Sender::Keeps, Sender::Slow, Sender::Left, Sender::TooLong];
        all[usize::from(self.sender.load(Ordering::Relaxed)) % all.len()]
    }

    /// When the last byte of the body went out; nothing for none, and while there are more.
    pub(crate) fn ended(&self) -> Option<Instant> {
        self.ended.get().copied()
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        let sender = match &polled {
            Poll::Pending => Sender::Slow,
            Poll::Ready(Some(Err(error))) if error.is::<LengthLimitError>() => Sender::TooLong,
            Poll::Ready(Some(Err(_))) => Sender::Left,
            Poll::Ready(_) => Sender::Keeps,
        };
        this.sending.sender.store(sender as u8, Ordering::Relaxed);
        if sender == Sender::Keeps && (matches!(polled, Poll::Ready(None)) || this.is_end_stream())
        {
            this.sending.ended.get_or_init(Instant::now);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Answered {
    pub(crate) fn whole(bytes: Bytes, tail: Tail) -> Answered {
        let bytes = (!bytes.is_empty()).then_some(bytes);
        Answered::new(From::Whole(bytes), tail)
    }

    pub(crate) fn upstream(body: Incoming, tail: Tail) -> Answered {
        Answered::new(From::Upstream(body), tail)
    }

    fn new(from: From, tail: Tail) -> Answered {
        let mut answered = Answered { from, tail };
        answered.tail.whole = answered.tail.no_body || answered.is_end_stream();
        answered
    }
}

impl Body for Answered {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let frame = match &mut this.from {
            From::Whole(bytes) => bytes.take().map(|bytes| Ok(Frame::data(bytes))),
            From::Upstream(body) => ready!(Pin::new(body).poll_frame(cx)),
        };
        match &frame {
            Some(Ok(frame)) => {
                this.tail.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
                this.tail.whole = this.is_end_stream();
            }
            Some(Err(_)) => this.tail.broken(),
            None => this.tail.whole = true,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.from {
            From::Whole(bytes) => bytes.is_none(),
            From::Upstream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.from {
            From::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64))
            }
            From::Upstream(body) => body.size_hint(),
        }
    }
}
