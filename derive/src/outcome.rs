//! `#[derive(Outcome)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, Result};

use crate::shape::{Field, Of};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let of = Of::read(input, "outcome", false)?;
    let ident = &input.ident;
    // A type with a lifetime borrows from the decision; one without owns what it holds.
    let mut lifetimes = input.generics.lifetimes();
    let of_decision = match (lifetimes.next(), lifetimes.next()) {
        (Some(_), None) => quote! { #ident<'decision> },
        (None, _) => quote! { #ident },
        (Some(_), Some(second)) => {
            let reason = "an outcome borrows from one decision: give it one lifetime at most";
            return Err(Error::new_spanned(second, reason));
        }
    };
    if let Some(parameter) = input.generics.type_params().next() {
        let reason = "an outcome is what the rules say, which has no parameters of type";
        return Err(Error::new_spanned(parameter, reason));
    }
    let shape = of.shape(ident, false);
    let (parameters, arguments, bounds) = input.generics.split_for_impl();
    let body = match &of {
        Of::Struct(fields) => {
            let fields = values(fields);
            quote! { #ident { #fields } }
        }
        Of::Enum(variants) if variants.is_empty() => {
            let reason = "a decision always has a value: give this enum a variant";
            return Err(Error::new_spanned(ident, reason));
        }
        Of::Enum(variants) => {
            let last = variants.len() as u32 - 1;
            let arms = variants.iter().zip(0u32..).map(|(variant, number)| {
                let (variant, fields) = (&variant.ident, values(&variant.fields));
                // The fit has seen that there is no other, so the last one can stand for the rest.
                match number == last {
                    true => quote! { _ => #ident::#variant { #fields }, },
                    false => quote! { #number => #ident::#variant { #fields }, },
                }
            });
            quote! {
                let (number, word, fit) = fit.variant(word);
                match number { #(#arms)* }
            }
        }
    };
    Ok(quote! {
        #[automatically_derived]
        impl #parameters ::tollgate::typed::Outcome for #ident #arguments #bounds {
            const SHAPE: ::tollgate::typed::Shape = #shape;
            type Of<'decision> = #of_decision;

            #[allow(unused_variables, reason = "a type without fields uses none")]
            fn outcome<'decision>(
                word: ::tollgate::typed::Word<'decision>,
                fit: &::tollgate::typed::OutcomeFit,
            ) -> #of_decision {
                #body
            }
        }
    })
}

/// The values of fields, as they stand between the braces.
fn values(fields: &[Field]) -> TokenStream {
    let fields = fields.iter().zip(0u32..).map(|(field, number)| {
        let (member, ty) = (&field.member, &field.ty);
        quote! { #member: fit.field::<#ty>(word, #number) }
    });
    quote! { #(#fields),* }
}
