//! `$(( ))`: brush-parser's tree, evaluated with 64-bit integers that wrap as C's do on the machines Linux runs on.

use brush_parser::ast::{
    ArithmeticExpr as Expr, ArithmeticTarget, BinaryOperator as Binary, UnaryAssignmentOperator as Step, UnaryOperator as Unary,
};

/// What an expression reads and writes.
pub trait Variables {
    /// A variable's value; unset is `None`.
    fn get(&self, name: &str) -> Option<String>;
    /// Sets a variable.
    fn set(&mut self, name: &str, value: String) -> Result<(), String>;
}

/// How deep the values of variables may refer to further variables.
const DEPTH: u8 = 32;

/// Evaluates an expression whose parameters have been expanded. Errors are in busybox's words.
pub fn evaluate(text: &str, variables: &mut dyn Variables) -> Result<i64, String> {
    nested(text, variables, 0)
}

fn nested(text: &str, variables: &mut dyn Variables, depth: u8) -> Result<i64, String> {
    if depth > DEPTH {
        return Err("expression recursion loop detected".to_owned());
    }
    let tree = brush_parser::arithmetic::parse(text.trim()).map_err(|_| "arithmetic syntax error".to_owned())?;
    Context { variables, depth }.value(&tree)
}

struct Context<'a> {
    variables: &'a mut dyn Variables,
    depth: u8,
}

impl Context<'_> {
    fn value(&mut self, expression: &Expr) -> Result<i64, String> {
        match expression {
            Expr::Literal(n) => Ok(*n),
            Expr::Reference(target) => self.read(target),
            Expr::UnaryOp(op, x) => {
                let x = self.value(x)?;
                Ok(match op {
                    Unary::UnaryPlus => x,
                    Unary::UnaryMinus => x.wrapping_neg(),
                    Unary::BitwiseNot => !x,
                    Unary::LogicalNot => i64::from(x == 0),
                })
            }
            Expr::BinaryOp(Binary::LogicalAnd, x, y) => Ok(i64::from(self.value(x)? != 0 && self.value(y)? != 0)),
            Expr::BinaryOp(Binary::LogicalOr, x, y) => Ok(i64::from(self.value(x)? != 0 || self.value(y)? != 0)),
            Expr::BinaryOp(op, x, y) => {
                let (x, y) = (self.value(x)?, self.value(y)?);
                binary(op, x, y)
            }
            Expr::Conditional(condition, yes, no) => {
                if self.value(condition)? != 0 {
                    self.value(yes)
                } else {
                    self.value(no)
                }
            }
            Expr::Assignment(target, x) => {
                let value = self.value(x)?;
                self.write(target, value)
            }
            Expr::BinaryAssignment(op, target, x) => {
                let (old, x) = (self.read(target)?, self.value(x)?);
                self.write(target, binary(op, old, x)?)
            }
            Expr::UnaryAssignment(step, target) => {
                let old = self.read(target)?;
                let new = match step {
                    Step::PrefixIncrement | Step::PostfixIncrement => old.wrapping_add(1),
                    Step::PrefixDecrement | Step::PostfixDecrement => old.wrapping_sub(1),
                };
                self.write(target, new)?;
                Ok(if matches!(step, Step::PrefixIncrement | Step::PrefixDecrement) { new } else { old })
            }
        }
    }

    fn read(&mut self, target: &ArithmeticTarget) -> Result<i64, String> {
        match self.variables.get(name(target)?) {
            None => Ok(0),
            Some(text) => nested(&text, self.variables, self.depth + 1),
        }
    }

    fn write(&mut self, target: &ArithmeticTarget, value: i64) -> Result<i64, String> {
        self.variables.set(name(target)?, value.to_string())?;
        Ok(value)
    }
}

fn name(target: &ArithmeticTarget) -> Result<&str, String> {
    match target {
        ArithmeticTarget::Variable(name) => Ok(name),
        ArithmeticTarget::ArrayElement(..) => Err("arithmetic syntax error".to_owned()),
    }
}

fn binary(op: &Binary, x: i64, y: i64) -> Result<i64, String> {
    Ok(match op {
        Binary::Power => u32::try_from(y).map(|y| x.wrapping_pow(y)).map_err(|_| "exponent less than 0".to_owned())?,
        Binary::Multiply => x.wrapping_mul(y),
        Binary::Divide | Binary::Modulo if y == 0 => return Err("divide by zero".to_owned()),
        Binary::Divide => x.wrapping_div(y),
        Binary::Modulo => x.wrapping_rem(y),
        Binary::Comma => y,
        Binary::Add => x.wrapping_add(y),
        Binary::Subtract => x.wrapping_sub(y),
        // Only the low six bits of the count are looked at, as on x86-64 and arm64.
        Binary::ShiftLeft => x.wrapping_shl((y & 63) as u32),
        Binary::ShiftRight => x.wrapping_shr((y & 63) as u32),
        Binary::LessThan => i64::from(x < y),
        Binary::LessThanOrEqualTo => i64::from(x <= y),
        Binary::GreaterThan => i64::from(x > y),
        Binary::GreaterThanOrEqualTo => i64::from(x >= y),
        Binary::Equals => i64::from(x == y),
        Binary::NotEquals => i64::from(x != y),
        Binary::BitwiseAnd => x & y,
        Binary::BitwiseXor => x ^ y,
        Binary::BitwiseOr => x | y,
        Binary::LogicalAnd => i64::from(x != 0 && y != 0),
        Binary::LogicalOr => i64::from(x != 0 || y != 0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    impl Variables for BTreeMap<String, String> {
        fn get(&self, name: &str) -> Option<String> {
            BTreeMap::get(self, name).cloned()
        }
        fn set(&mut self, name: &str, value: String) -> Result<(), String> {
            self.insert(name.to_owned(), value);
            Ok(())
        }
    }

    #[test]
    fn expressions_have_c_values() {
        let mut variables = BTreeMap::from([("a".to_owned(), "7".to_owned()), ("b".to_owned(), "a + 1".to_owned())]);
        for (text, expected) in [
            ("1 + 2 * 3", 7),
            ("(1 + 2) * 3", 9),
            ("a % 4", 3),
            ("b * 2", 16),
            ("unset + 1", 1),
            ("0x10 + 010", 24),
            ("1 ? 2 : 3", 2),
            ("3 > 2 && 2 > 1", 1),
            ("-7 / 2", -3),
            ("1 << 4 | 1", 17),
            ("", 0),
            ("9223372036854775807 + 1", i64::MIN),
        ] {
            assert_eq!(evaluate(text, &mut variables), Ok(expected), "{text}");
        }
        assert_eq!(evaluate("c = a++ + 1", &mut variables), Ok(8));
        assert_eq!((variables["a"].as_str(), variables["c"].as_str()), ("8", "8"));
        assert_eq!(evaluate("1 / 0", &mut variables), Err("divide by zero".to_owned()));
        assert_eq!(evaluate("1 +", &mut variables), Err("arithmetic syntax error".to_owned()));
    }
}
