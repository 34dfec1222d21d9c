//! Counts what the engine says each request has cost.

use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::config::interceptors::{
    BeforeSerializationInterceptorContextMut, FinalizerInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::batch_write_item::{BatchWriteItemInput, BatchWriteItemOutput};
use aws_sdk_dynamodb::operation::delete_item::{DeleteItemInput, DeleteItemOutput};
use aws_sdk_dynamodb::operation::get_item::{GetItemInput, GetItemOutput};
use aws_sdk_dynamodb::operation::put_item::{PutItemInput, PutItemOutput};
use aws_sdk_dynamodb::operation::query::{QueryInput, QueryOutput};
use aws_sdk_dynamodb::operation::update_item::{UpdateItemInput, UpdateItemOutput};
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity};
use store::{Client, Store};

use crate::engine::Engine;

/// Units of writing and of reading.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Units {
    pub(crate) writes: f64,
    pub(crate) reads: f64,
}

impl std::ops::AddAssign for Units {
    fn add_assign(&mut self, other: Self) {
        self.writes += other.writes;
        self.reads += other.reads;
    }
}

pub(crate) fn plus(mut left: Units, right: Units) -> Units {
    left += right;
    left
}

pub(crate) fn sum(units: &[Units]) -> Units {
    units.iter().copied().fold(Units::default(), plus)
}

/// Asks for the price of each request, and adds it up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter(Arc<Mutex<Units>>);

impl Meter {
    /// Returns a store whose requests this meter counts.
    pub(crate) fn store(&self, engine: &Engine) -> Store {
        let config = engine
            .client
            .config()
            .to_builder()
            .interceptor(self.clone())
            .build();
        Store::new(Client::from_conf(config), &engine.table)
    }

    /// Returns the units counted since the last call.
    pub(crate) fn take(&self) -> Units {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

macro_rules! ask_for_price {
    ($context:expr, $($input:ty),*) => {
        $(if let Some(input) = $context.input_mut().downcast_mut::<$input>() {
            input.return_consumed_capacity = Some(ReturnConsumedCapacity::Indexes);
        })*
    };
}

macro_rules! price_of {
    ($output:expr, $($kind:ty),*) => {
        None$(.or_else(|| $output.downcast_ref::<$kind>().and_then(<$kind>::consumed_capacity)))*
            .and_then(ConsumedCapacity::capacity_units)
            .unwrap_or_default()
    };
}

fn price_of_batch(output: &BatchWriteItemOutput) -> f64 {
    output
        .consumed_capacity()
        .iter()
        .filter_map(ConsumedCapacity::capacity_units)
        .sum()
}

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
        ask_for_price!(
            context,
            UpdateItemInput,
            PutItemInput,
            DeleteItemInput,
            BatchWriteItemInput,
            GetItemInput,
            QueryInput
        );
        Ok(())
    }

    /// Adds the price of a request. Engines do not price a write whose condition failed; AWS takes
    /// at least one unit for it.
    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let price = match context.output_or_error() {
            Some(Ok(output)) => Units {
                writes: price_of!(output, UpdateItemOutput, PutItemOutput, DeleteItemOutput)
                    + output
                        .downcast_ref::<BatchWriteItemOutput>()
                        .map_or(0.0, price_of_batch),
                reads: price_of!(output, GetItemOutput, QueryOutput),
            },
            _ => Units {
                writes: 1.0,
                reads: 0.0,
            },
        };
        *self.0.lock().unwrap() += price;
        Ok(())
    }
}
