//! Bodies: streamed through as they come, with what happens once they have ended.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::{Either, Empty, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::proxy::Tail;

/// The body of a request on its way to an upstream.
pub(crate) type Sent = Either<Empty<Bytes>, Limited<Incoming>>;

/// The body of a response on its way to a client. When it is dropped the request is at its end, and what its tail does is done.
pub(crate) struct Answered {
    from: From,
    tail: Tail,
}

enum From {
    Whole(Option<Bytes>),
    Upstream(Incoming),
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
