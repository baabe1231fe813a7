//! The layer and its service: each request is decided about before the service behind is called.

use std::fmt;
use std::future::{Future, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::request::Parts;
use http::{Request, Response, StatusCode};
use tollgate::typed::Outcome;
use tower_layer::Layer;
use tower_service::Service;

use crate::{Decided, Rules};

type Peer = Arc<dyn Fn(&Parts) -> Option<SocketAddr> + Send + Sync>;
type Answer<O, R> = Arc<dyn Fn(&Decided<O>) -> Option<Response<R>> + Send + Sync>;

/// What a [`RulesService`] gives: a response that is there, or one that the service behind is making.
pub type Answering<R, E> = Pin<Box<dyn Future<Output = Result<Response<R>, E>> + Send>>;

/// Decides about each request before the service that it is laid on. Made by [`Rules::layer`].
pub struct RulesLayer<O, R> {
    rules: Rules<O>,
    peer: Peer,
    answer: Option<Answer<O, R>>,
}

/// A service behind a [`RulesLayer`].
pub struct RulesService<S, O, R> {
    layer: RulesLayer<O, R>,
    inner: S,
}

impl<O, R> RulesLayer<O, R> {
    pub(crate) fn new(rules: Rules<O>, peer: Peer) -> RulesLayer<O, R> {
        RulesLayer {
            rules,
            peer,
            answer: None,
        }
    }

    /// The same layer, where `answer` may answer instead of the service behind; it sees the requests for which there is none.
    #[must_use]
    pub fn answering(
        mut self,
        answer: impl Fn(&Decided<O>) -> Option<Response<R>> + Send + Sync + 'static,
    ) -> RulesLayer<O, R> {
        self.answer = Some(Arc::new(answer));
        self
    }
}

impl<O, R> RulesLayer<O, R>
where
    O: Outcome + 'static,
    for<'d> O: Outcome<Of<'d> = O>,
    R: From<String>,
{
    /// What was decided, or the response that ends it here.
    fn decide(&self, head: &Parts) -> Result<Decided<O>, Response<R>> {
        let Some(peer) = (self.peer)(head) else {
            let why = "the server does not say who asks";
            return Err(plain(StatusCode::INTERNAL_SERVER_ERROR, why.into()));
        };
        match self.rules.decide(head, peer) {
            Err(error) => Err(plain(StatusCode::BAD_REQUEST, error.to_string())),
            Ok(decided) => match self.answer.as_ref().and_then(|answer| answer(&decided)) {
                Some(response) => Err(response),
                None => Ok(decided),
            },
        }
    }
}

impl<S, O, R> Layer<S> for RulesLayer<O, R> {
    type Service = RulesService<S, O, R>;

    fn layer(&self, inner: S) -> RulesService<S, O, R> {
        RulesService {
            layer: self.clone(),
            inner,
        }
    }
}

impl<S, O, B, R> Service<Request<B>> for RulesService<S, O, R>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    O: Outcome + Clone + Send + Sync + 'static,
    for<'d> O: Outcome<Of<'d> = O>,
    R: From<String> + Send + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Answering<R, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (head, body) = request.into_parts();
        let decided = match self.layer.decide(&head) {
            Ok(decided) => decided,
            Err(response) => return Box::pin(ready(Ok(response))),
        };
        let mut request = Request::from_parts(head, body);
        request.extensions_mut().insert(decided.clone());
        let responding = self.inner.call(request);
        Box::pin(async move {
            let response = responding.await;
            // What the decision holds is held until there is a response, also where the service did not keep the request.
            drop(decided);
            response
        })
    }
}

fn plain<R: From<String>>(status: StatusCode, why: String) -> Response<R> {
    let mut response = Response::new(R::from(why));
    *response.status_mut() = status;
    response
}

impl<O, R> Clone for RulesLayer<O, R> {
    fn clone(&self) -> RulesLayer<O, R> {
        RulesLayer {
            rules: self.rules.clone(),
            peer: self.peer.clone(),
            answer: self.answer.clone(),
        }
    }
}

impl<S: Clone, O, R> Clone for RulesService<S, O, R> {
    fn clone(&self) -> RulesService<S, O, R> {
        RulesService {
            layer: self.layer.clone(),
            inner: self.inner.clone(),
        }
    }
}

impl<O, R> fmt::Debug for RulesLayer<O, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RulesLayer")
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

impl<S: fmt::Debug, O, R> fmt::Debug for RulesService<S, O, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RulesService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
