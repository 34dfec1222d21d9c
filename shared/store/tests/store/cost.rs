//! What a turn costs, by the engine's own account.

use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::config::interceptors::{
    BeforeSerializationInterceptorContextMut, FinalizerInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::put_item::{PutItemInput, PutItemOutput};
use aws_sdk_dynamodb::operation::update_item::{UpdateItemInput, UpdateItemOutput};
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity};
use store::{Client, Store, TurnOutcome, UserMessage};

use crate::engine::Engine;
use crate::messages::{answer, metadata};
use crate::turns::{NOON, ask};

/// Asks for the price of each write, and notes it.
#[derive(Debug, Clone, Default)]
struct Meter(Arc<Mutex<Vec<f64>>>);

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(input) = context.input_mut().downcast_mut::<UpdateItemInput>() {
            input.return_consumed_capacity = Some(ReturnConsumedCapacity::Indexes);
        } else if let Some(input) = context.input_mut().downcast_mut::<PutItemInput>() {
            input.return_consumed_capacity = Some(ReturnConsumedCapacity::Indexes);
        }
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(Ok(output)) = context.output_or_error() else {
            return Ok(());
        };
        let price = if let Some(output) = output.downcast_ref::<UpdateItemOutput>() {
            output.consumed_capacity()
        } else {
            output.downcast_ref::<PutItemOutput>().and_then(PutItemOutput::consumed_capacity)
        };
        self.0.lock().unwrap().extend(price.and_then(ConsumedCapacity::capacity_units));
        Ok(())
    }
}

pub(crate) async fn a_short_turn_costs_few_write_units(engine: &Engine) {
    let meter = Meter::default();
    let config = engine.client.config().to_builder().interceptor(meter.clone()).build();
    let store = Store::new(Client::from_conf(config), &engine.table);
    let question = format!(r#"[{{"type":"text","text":"{}"}}]"#, "q".repeat(600));
    let reply = format!(r#"[{{"type":"text","text":"{}"}}]"#, "plain words of an answer ".repeat(60));
    let metadata = metadata();
    for (run, name) in [(0, "first"), (1, "later")] {
        let turn = ask(&format!("m{run}"), &format!("s{run}"), NOON + run).begin(&store).await.unwrap();
        let message = UserMessage { parts: &question, created_at_ms: NOON };
        store.put_user_message(&turn.keys, &message).await.unwrap();
        store.put_answer(&turn.keys, &answer(&reply, &metadata)).await.unwrap();
        store.finish_turn(&turn.keys, TurnOutcome::Done).await.unwrap();

        let prices = std::mem::take(&mut *meter.0.lock().unwrap());
        let total: f64 = prices.iter().sum();
        println!("{name} turn: {total} write units {prices:?}");
        assert_eq!(prices.len(), 4, "begin, question, answer, end: {prices:?}");
        assert!(total <= 9.0, "{name} turn: {prices:?}");
    }
}
