//! JSON written straight from the response model. [`Json`] first builds a tree of maps, which costs twice as much as the rest of
//! a list's answer.

use std::marker::PhantomData;
use std::sync::Arc;

use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::payload::{Json, Payload};
use poem_openapi::registry::{MetaResponses, MetaSchemaRef, Registry};
use poem_openapi::types::{ToJSON, Type};
use serde::Serialize;

const JSON: &str = "application/json";

/// A list as JSON: described like [`Json`], written by serde. The model's two ways of writing give the same text.
pub struct Direct<T> {
    json: Arc<[u8]>,
    model: PhantomData<fn() -> T>,
}

impl<T: Serialize> Direct<T> {
    /// What [`Direct::write`] has written of such a list.
    pub fn from_written(json: Arc<[u8]>) -> Self {
        Self { json, model: PhantomData }
    }

    /// Writes a list.
    pub fn write(list: &T) -> Vec<u8> {
        serde_json::to_vec(list).unwrap_or_default() // a model has no keys but text
    }
}

impl<T: Type + ToJSON> Payload for Direct<T> {
    const CONTENT_TYPE: &'static str = Json::<T>::CONTENT_TYPE;

    fn check_content_type(content_type: &str) -> bool {
        Json::<T>::check_content_type(content_type)
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T> IntoResponse for Direct<T> {
    fn into_response(self) -> Response {
        Response::builder().content_type(JSON).body(self.json.to_vec())
    }
}

impl<T: Type + ToJSON> ApiResponse for Direct<T> {
    fn meta() -> MetaResponses {
        Json::<T>::meta()
    }

    fn register(registry: &mut Registry) {
        <Json<T> as ApiResponse>::register(registry);
    }
}
