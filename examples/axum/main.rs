//! A gateway whose routes are rules, replaced while it runs:
//! `cargo run -p tollgate-tower --example axum -- examples/axum/gateway.rules 127.0.0.1:8080`.
use std::{net::SocketAddr, time::Duration};

use axum::body::Body;
use axum::extract::{ConnectInfo, Extension, Request, State};
use axum::http::{StatusCode, request::Parts};
use axum::response::{IntoResponse, Response};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tollgate::{Engine, Outcome};
use tollgate_tower::{Decided, Rules};

#[derive(Clone, Outcome)]
enum Route {
    #[outcome(name = "forward")]
    Forward { to: String, timeout: Duration },
    #[outcome(name = "respond")]
    Respond { status: u16, body: String },
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (file, listen) = args.next().zip(args.next()).ok_or("axum RULES ADDRESS")?;
    let rules = Rules::<Route>::open(Engine::new(), file, "route")?;
    let _watching = rules.watch(Duration::from_millis(200), |told| match told {
        Ok(()) => eprintln!("the rules were replaced"),
        Err(error) => eprintln!("the rules stay as they were: {error}"),
    });
    type Peer = ConnectInfo<SocketAddr>;
    let decide = rules.layer(|head: &Parts| Some(head.extensions.get::<Peer>()?.0));
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let app = axum::Router::new().fallback(gateway).layer(decide);
    let app = app.with_state(client);
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let listener = tokio::net::TcpListener::bind(listen).await?;
    eprintln!("listening on {}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn gateway(
    State(client): State<Client<HttpConnector, Body>>,
    Extension(decided): Extension<Decided<Route>>,
    mut request: Request,
) -> Result<Response, StatusCode> {
    let (to, timeout) = match decided.answer {
        Route::Forward { to, timeout } => (to, timeout),
        Route::Respond { status, body } => {
            let status = StatusCode::from_u16(status).or(Err(StatusCode::BAD_GATEWAY))?;
            return Ok((status, body).into_response());
        }
    };
    let uri = format!("http://{to}{}", request.uri());
    *request.uri_mut() = uri.parse().or(Err(StatusCode::BAD_GATEWAY))?;
    let response = tokio::time::timeout(timeout, client.request(request)).await;
    let response = response.or(Err(StatusCode::GATEWAY_TIMEOUT))?;
    Ok(response.or(Err(StatusCode::BAD_GATEWAY))?.into_response())
}
