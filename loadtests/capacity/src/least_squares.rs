//! Linear least squares with coefficients that are never negative, and how sure they are.
//!
//! A process does not get idler by more clients, so a negative cost is noise. There are few columns, so the best
//! fit is found by trying every set of them (Lawson and Hanson, "Solving Least Squares Problems", chapter 23: the
//! answer is the unbounded fit of the columns that are above zero). Knows nothing of what is fitted.

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

/// More columns would take too many sets.
const MAX_COLUMNS: usize = 8;
/// What has to be left of a column that the others explain, as a share of its square, so that it has a cost of its
/// own: less is drowned by the noise of any measurement.
const INDEPENDENT: f64 = 1e-3;
/// Below this a pivot is zero, for columns of length 1.
const ZERO: f64 = 1e-12;

/// A fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// One for each column, none negative.
    pub coefficients: Vec<f64>,
    /// What was measured less what the fit says, for each row.
    pub residuals: Vec<f64>,
}

/// The coefficients of each column that come closest to the targets, none of them negative. Each row has as many
/// numbers as there are columns.
pub fn non_negative(rows: &[Vec<f64>], targets: &[f64]) -> Fit {
    let columns = rows.first().map_or(0, Vec::len);
    assert!(columns <= MAX_COLUMNS && rows.len() == targets.len(), "as many targets as rows, and few columns");
    let lengths: Vec<f64> = (0..columns).map(|column| length(rows, column)).collect();
    let mut best = Fit { coefficients: vec![0.0; columns], residuals: targets.to_vec() };
    let mut least = square(&best.residuals);
    for set in 1u32..1 << columns {
        let chosen: Vec<usize> = (0..columns).filter(|column| set & (1 << column) != 0).collect();
        let Some(scaled) = solve(&gram(rows, targets, &chosen, &lengths)) else { continue };
        if scaled.iter().any(|coefficient| *coefficient < 0.0) {
            continue;
        }
        let mut coefficients = vec![0.0; columns];
        for (column, coefficient) in chosen.iter().zip(scaled) {
            coefficients[*column] = coefficient / lengths[*column];
        }
        let residuals = residuals(rows, targets, &coefficients);
        if square(&residuals) < least {
            least = square(&residuals);
            best = Fit { coefficients, residuals };
        }
    }
    best
}

/// The first column that those before it explain, so that it has no coefficient of its own.
pub fn dependent(rows: &[Vec<f64>]) -> Option<usize> {
    let columns = rows.first().map_or(0, Vec::len);
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for column in 0..columns {
        let size = length(rows, column);
        if size == 0.0 {
            return Some(column);
        }
        let mut left: Vec<f64> = rows.iter().map(|row| row[column] / size).collect();
        for known in &basis {
            let shared: f64 = left.iter().zip(known).map(|(a, b)| a * b).sum();
            left.iter_mut().zip(known).for_each(|(value, known)| *value -= shared * known);
        }
        if square(&left) < INDEPENDENT {
            return Some(column);
        }
        let size = square(&left).sqrt();
        basis.push(left.into_iter().map(|value| value / size).collect());
    }
    None
}

/// Coefficients as they might have come out as well: the fit of what it says itself, with its residuals dealt out
/// anew (residual bootstrap: Efron and Tibshirani, "An Introduction to the Bootstrap", section 9.4).
pub fn bootstrap(rows: &[Vec<f64>], fit: &Fit, rounds: usize, chance: &mut ChaCha8Rng) -> Vec<Vec<f64>> {
    let used = fit.coefficients.iter().filter(|coefficient| **coefficient > 0.0).count();
    let (count, free) = (rows.len() as f64, rows.len().saturating_sub(used).max(1) as f64);
    let mean = fit.residuals.iter().sum::<f64>() / count;
    // A fit is closer to what it was made from than to the truth.
    let scale = (count / free).sqrt();
    let deal: Vec<f64> = fit.residuals.iter().map(|residual| (residual - mean) * scale).collect();
    let said: Vec<f64> = rows.iter().map(|row| dot(row, &fit.coefficients)).collect();
    let round = |_| {
        let targets: Vec<f64> = said.iter().map(|said| said + deal[chance.random_range(0..deal.len())]).collect();
        non_negative(rows, &targets).coefficients
    };
    (0..rounds).map(round).collect()
}

/// The sum of products.
pub fn dot(row: &[f64], coefficients: &[f64]) -> f64 {
    row.iter().zip(coefficients).map(|(value, coefficient)| value * coefficient).sum()
}

fn residuals(rows: &[Vec<f64>], targets: &[f64], coefficients: &[f64]) -> Vec<f64> {
    rows.iter().zip(targets).map(|(row, target)| target - dot(row, coefficients)).collect()
}

fn length(rows: &[Vec<f64>], column: usize) -> f64 {
    rows.iter().map(|row| row[column] * row[column]).sum::<f64>().sqrt()
}

fn square(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum()
}

/// The normal equations of these columns, each scaled to length 1, with the right side behind.
fn gram(rows: &[Vec<f64>], targets: &[f64], chosen: &[usize], lengths: &[f64]) -> Vec<Vec<f64>> {
    let scaled = |row: &Vec<f64>, column: usize| row[column] / lengths[column].max(f64::MIN_POSITIVE);
    let line = |left: &usize| {
        let products = chosen.iter().map(|right| rows.iter().map(|row| scaled(row, *left) * scaled(row, *right)).sum());
        let side = rows.iter().zip(targets).map(|(row, target)| scaled(row, *left) * target).sum();
        products.chain([side]).collect()
    };
    chosen.iter().map(line).collect()
}

/// Gaussian elimination with pivoting; nothing if the equations do not tell the unknowns apart.
fn solve(equations: &[Vec<f64>]) -> Option<Vec<f64>> {
    let mut lines = equations.to_vec();
    let count = lines.len();
    for place in 0..count {
        let pivot = (place..count).max_by(|a, b| lines[*a][place].abs().total_cmp(&lines[*b][place].abs()))?;
        lines.swap(place, pivot);
        let (above, below) = lines.split_at_mut(place + 1);
        let line = &above[place];
        if line[place].abs() < ZERO {
            return None;
        }
        for other in below {
            let factor = other[place] / line[place];
            other.iter_mut().zip(line).skip(place).for_each(|(value, known)| *value -= factor * known);
        }
    }
    let mut unknowns = vec![0.0; count];
    for place in (0..count).rev() {
        let known: f64 = (place + 1..count).map(|later| lines[place][later] * unknowns[later]).sum();
        unknowns[place] = (lines[place][count] - known) / lines[place][place];
    }
    Some(unknowns)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng as _;

    use super::*;

    fn rows() -> impl Strategy<Value = Vec<Vec<f64>>> {
        prop::collection::vec(prop::collection::vec(0.0f64..1_000.0, 4), 6..12)
    }

    #[test]
    fn a_negative_cost_is_none() {
        // The unbounded fit is 12 - x.
        let fit = non_negative(&[vec![1.0, 1.0], vec![1.0, 2.0], vec![1.0, 3.0]], &[11.0, 10.0, 9.0]);
        assert!((fit.coefficients[0] - 10.0).abs() < 1e-9, "{fit:?}");
        assert_eq!(fit.coefficients[1], 0.0);
    }

    #[test]
    fn a_column_that_follows_from_others_is_found() {
        let rows: Vec<Vec<f64>> = (1..8).map(|n| vec![1.0, f64::from(n), f64::from(n * 9)]).collect();
        assert_eq!(dependent(&rows), Some(2));
        let rows: Vec<Vec<f64>> = (1..8).map(|n| vec![1.0, 0.0, f64::from(n)]).collect();
        assert_eq!(dependent(&rows), Some(1));
        let rows: Vec<Vec<f64>> = (1..8).map(|n| vec![1.0, f64::from(n), f64::from(n * n)]).collect();
        assert_eq!(dependent(&rows), None);
    }

    proptest! {
        #[test]
        fn costs_that_were_put_in_come_out(rows in rows(), costs in prop::collection::vec(0.0f64..10.0, 4)) {
            prop_assume!(dependent(&rows).is_none());
            let targets: Vec<f64> = rows.iter().map(|row| dot(row, &costs)).collect();
            let fit = non_negative(&rows, &targets);
            for (found, put) in fit.coefficients.iter().zip(&costs) {
                prop_assert!((found - put).abs() < 1e-4, "{:?} instead of {:?}", fit.coefficients, costs);
            }
        }

        /// The conditions of Karush, Kuhn and Tucker: nothing is gained by a little more or less of any column.
        #[test]
        fn no_step_that_is_allowed_comes_closer(
            rows in rows(),
            seed in any::<u64>(),
        ) {
            let mut chance = ChaCha8Rng::seed_from_u64(seed);
            let targets: Vec<f64> = rows.iter().map(|_| chance.random_range(-500.0..500.0)).collect();
            let fit = non_negative(&rows, &targets);
            let least = square(&fit.residuals);
            for column in 0..4 {
                for step in [-1e-3, 1e-3] {
                    let mut other = fit.coefficients.clone();
                    other[column] = f64::max(other[column] + step, 0.0);
                    prop_assert!(square(&residuals(&rows, &targets, &other)) >= least * (1.0 - 1e-9));
                }
            }
        }

        #[test]
        fn the_same_seed_deals_the_same(rows in rows(), seed in any::<u64>()) {
            let targets: Vec<f64> = rows.iter().map(|row| row[0] * 2.0 + row[1]).collect();
            let fit = non_negative(&rows, &targets);
            let deal = || bootstrap(&rows, &fit, 5, &mut ChaCha8Rng::seed_from_u64(seed));
            prop_assert_eq!(deal(), deal());
        }
    }
}
