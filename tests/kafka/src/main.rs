//! A Tansu for the tests of `tollgate stream`: a broker with the protocol of Kafka, its groups, and a database in the folder that it is started in.
//!
//! `tollgate-kafka PORT PARTITIONS [USER PASSWORD]`: with the topics `rides`, which has so many partitions, `actions` and `dead`, unless they are
//! there. Where a user is given, nobody else is let in (SCRAM-SHA-256).

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use rsasl::mechanisms::scram::tools::{derive_keys, hash_password};
use sha2::{Digest, Sha256};
use tansu_broker::NODE_ID;
use tansu_broker::broker::Broker;
use tansu_broker::coordinator::group::administrator::Controller;
use tansu_sans_io::ScramMechanism;
use tansu_sans_io::create_topics_request::CreatableTopic;
use tansu_storage::{BrokerRegistrationRequest, ScramCredential, Storage, StorageContainer};
use tokio::time::{Instant, sleep};
use url::Url;
use uuid::Uuid;

const CLUSTER: &str = "tollgate";
const SALT: &[u8] = b"of the tests";
const ITERATIONS: u32 = 4_096;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (port, partitions, user) = match &args[..] {
        [port, partitions] => (port, partitions, None),
        [port, partitions, user, password] => (port, partitions, Some((user, password))),
        _ => return Err("tollgate-kafka PORT PARTITIONS [USER PASSWORD]".into()),
    };
    let address = Url::parse(&format!("tcp://127.0.0.1:{port}"))?;
    // Of the folder that this is started in.
    let database = Url::parse("sqlite:///tansu.db")?;
    let storage = patiently(|| {
        StorageContainer::builder()
            .cluster_id(CLUSTER)
            .node_id(NODE_ID)
            .advertised_listener(address.clone())
            .storage(database.clone())
            .build()
    })
    .await?;
    let incarnation = Uuid::now_v7();
    storage
        .register_broker(BrokerRegistrationRequest {
            broker_id: NODE_ID,
            cluster_id: CLUSTER.to_owned(),
            incarnation_id: incarnation,
            rack: None,
        })
        .await?;
    for (topic, partitions) in [("rides", partitions.parse()?), ("actions", 1), ("dead", 1)] {
        let topic = CreatableTopic::default()
            .name(topic.to_owned())
            .num_partitions(partitions)
            .replication_factor(1)
            .assignments(Some([].into()))
            .configs(Some([].into()));
        // It is there already, or whoever asks for it hears that it is not.
        let _ = storage.create_topic(topic, false).await;
    }
    if let Some((user, password)) = user {
        let credential = credential(password);
        storage
            .upsert_user_scram_credential(user, ScramMechanism::Scram256, credential)
            .await?;
    }
    drop(storage);
    let broker = patiently(|| {
        Broker::<Controller<StorageContainer>, StorageContainer>::builder()
            .node_id(NODE_ID)
            .cluster_id(CLUSTER)
            .incarnation_id(incarnation)
            .advertised_listener(address.clone())
            .storage(database.clone())
            .listener(address.clone())
            .authentication(user.is_some())
            .silent(true)
            .build()
    });
    broker.await?.main(Instant::now()).await?;
    Ok(())
}

/// Opens the database, which may be locked: by who opened it before, or to be put into order behind an end without a word.
async fn patiently<T, E, F>(mut attempt: impl FnMut() -> F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    for _ in 0..100 {
        if let Ok(opened) = attempt().await {
            return Ok(opened);
        }
        sleep(Duration::from_millis(50)).await;
    }
    attempt().await
}

/// What a broker keeps of a password (RFC 5802).
fn credential(password: &str) -> ScramCredential {
    let mut salted = Default::default();
    hash_password::<Sha256>(password.as_bytes(), ITERATIONS, SALT, &mut salted);
    let (client_key, server_key) = derive_keys::<Sha256>(&salted);
    ScramCredential {
        salt: Bytes::from_static(SALT),
        iterations: ITERATIONS as i32,
        stored_key: Bytes::copy_from_slice(&Sha256::digest(client_key)),
        server_key: Bytes::copy_from_slice(&server_key),
    }
}
