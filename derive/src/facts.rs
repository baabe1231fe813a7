//! `#[derive(Facts)]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{DeriveInput, Member, Result, parse_quote};

use crate::shape::{Field, Of};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let of = Of::read(input, "facts", true)?;
    let mut generics = input.generics.clone();
    if generics.type_params().next().is_some() {
        let bounds = generics.make_where_clause();
        for field in of.fields() {
            let ty = &field.ty;
            bounds
                .predicates
                .push(parse_quote! { #ty: ::tollgate::typed::Fact });
        }
    }
    let (ident, shape) = (&input.ident, of.shape(&input.ident, true));
    let (parameters, arguments, bounds) = generics.split_for_impl();
    let body = match &of {
        Of::Struct(fields) => {
            let arms = fields.iter().zip(0u32..).map(|(field, n)| arm(field, n));
            quote! {
                fit.record(to, |number, fit| match number {
                    #(#arms)*
                    _ => ::core::result::Result::Ok(::tollgate::typed::Word::None),
                })
            }
        }
        Of::Enum(variants) => {
            let arms = variants.iter().zip(0u32..).map(|(variant, number)| {
                let ident = &variant.ident;
                let names = variant.fields.iter().map(|field| {
                    let (member, bound) = (&field.member, bound(field));
                    quote! { #member: #bound }
                });
                let arms = variant.fields.iter().zip(0u32..).map(|(field, n)| {
                    let bound = bound(field);
                    quote! { #n => ::tollgate::typed::Fact::word(#bound, fit, to), }
                });
                quote! {
                    Self::#ident { #(#names),* } => fit.variant(#number, to, |number, fit| match number {
                        #(#arms)*
                        _ => ::core::result::Result::Ok(::tollgate::typed::Word::None),
                    }),
                }
            });
            quote! { match self { #(#arms)* } }
        }
    };
    Ok(quote! {
        #[automatically_derived]
        impl #parameters ::tollgate::typed::Fact for #ident #arguments #bounds {
            const SHAPE: ::tollgate::typed::Shape = #shape;

            #[allow(unused_variables, reason = "a type without fields uses none")]
            fn word<'facts>(
                &'facts self,
                fit: &::tollgate::typed::Fit,
                to: &::tollgate::typed::Entering<'facts>,
            ) -> ::core::result::Result<
                ::tollgate::typed::Word<'facts>,
                ::std::boxed::Box<::tollgate::typed::Refusal>,
            > {
                #body
            }
        }
    })
}

/// What gives the word of a field of a struct.
fn arm(field: &Field, number: u32) -> TokenStream {
    let (member, ty) = (&field.member, &field.ty);
    match &field.by {
        None => quote! { #number => ::tollgate::typed::Fact::word(&self.#member, fit, to), },
        Some(method) => {
            let method = match method.get_ident() {
                Some(name) => quote! { Self::#name },
                None => quote! { #method },
            };
            quote! {
            #number => {
                let value: ::core::option::Option<&'facts #ty> = #method(self);
                match value {
                    ::core::option::Option::Some(value) => ::tollgate::typed::Fact::word(value, fit, to),
                    ::core::option::Option::None => ::core::result::Result::Ok(::tollgate::typed::Word::None),
                }
            }
            }
        }
    }
}

/// The name that a variant's field is bound to, which can be that of nothing else in the generated code.
fn bound(field: &Field) -> proc_macro2::Ident {
    match &field.member {
        Member::Named(ident) => format_ident!("field_{}", ident),
        Member::Unnamed(index) => format_ident!("field_{}", index.index),
    }
}
