//! `openapi.json`: what the API may be asked, as the tests read it.

use serde_json::Value;

/// The description.
pub const TEXT: &str = include_str!("../../openapi.json");

/// One operation.
pub struct Operation {
    /// The method, in capitals.
    pub method: String,
    /// The path, with `{…}` for what is named.
    pub path: String,
    /// What the query may have: a name and a schema each.
    pub query: Vec<(String, Value)>,
    /// The schema of a JSON body.
    pub body: Option<Value>,
    /// The type of a body that is no JSON.
    pub raw: Option<String>,
}

/// The whole document.
pub fn document() -> Value {
    serde_json::from_str(TEXT).expect("the description is JSON")
}

/// Every operation, in the document's order.
pub fn operations(document: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let query = parameters.iter().filter(|p| p["in"] == "query");
            let content = operation["requestBody"]["content"].as_object();
            let kind = content.and_then(|content| content.keys().next().cloned());
            let body = content.and_then(|content| content.get("application/json")).map(|json| json["schema"].clone());
            all.push(Operation {
                method: method.to_ascii_uppercase(),
                path: path.clone(),
                query: query.map(|p| (p["name"].as_str().expect("a name").to_owned(), p["schema"].clone())).collect(),
                raw: kind.filter(|_| body.is_none()),
                body,
            });
        }
    }
    all
}

/// Follows a reference to where it leads.
pub fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference} leads nowhere")),
        None => schema,
    }
}
