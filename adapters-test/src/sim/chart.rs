//! A comparison as a chart.

use core::fmt::Write as _;

use super::compare::Comparison;
use super::scenario::DEPLOY;

/// The seconds that are shown, counted from when the deploy begins.
const SHOWN: (f64, f64) = (-10.0, 180.0);

const RED: &str = "#c4302b";
const BLUE: &str = "#1f5fbf";
const GREEN: &str = "#1a7f4b";

/// The comparison as an SVG document of 1280 × 720: what the manager is asked, whom guards refuse,
/// and which flows are mixed, second by second around the deploy.
#[must_use]
pub fn svg(comparison: &Comparison) -> String {
    let Comparison { equality, equality_at_its_best: best, plain, strict, .. } = comparison;
    let mut page = head(comparison);
    let load = Panel {
        title: "Questions to the manager, a second (log scale)",
        frame: (90.0, 150.0, 1010.0, 210.0),
        scale: Scale::Log(10.0, 30_000.0),
        ticks: &[(10.0, "10"), (100.0, "100"), (1_000.0, "1,000"), (10_000.0, "10,000")],
    };
    load.draw(&mut page);
    load.limit(&mut page, 1_000.0, "what one Durable Object can answer");
    load.line(&mut page, &equality.questions, RED, "one UUID each");
    load.line(&mut page, &best.questions, RED, "the same*");
    load.line(&mut page, &plain.questions, BLUE, "");
    load.line(&mut page, &strict.questions, GREEN, "Skewguard");

    let most = |series: [&Vec<u32>; 3]| {
        let seconds = series.into_iter().flat_map(|series| smooth(series));
        seconds.map(|(_, value)| value).fold(1.0, f64::max)
    };
    let refused = most([&best.refusals, &plain.refusals, &strict.refusals]);
    let (top, ticks) = ceiling(refused);
    let ticks: Vec<_> = ticks.iter().map(|(at, name)| (*at, name.as_str())).collect();
    let panel = Panel {
        title: "Requests refused, a second",
        frame: (90.0, 450.0, 440.0, 190.0),
        scale: Scale::Linear(top),
        ticks: &ticks,
    };
    panel.draw(&mut page);
    panel.line(&mut page, &best.refusals, RED, "");
    panel.line(&mut page, &strict.refusals, GREEN, "");
    panel.line(&mut page, &plain.refusals, BLUE, "");
    panel.name_peak(&mut page, &best.refusals, RED, ("one UUID each*", -90.0, -16.0));
    panel.name_peak(&mut page, &strict.refusals, GREEN, ("strict", 8.0, -4.0));
    panel.name_peak(&mut page, &plain.refusals, BLUE, ("plain", 8.0, -8.0));

    let (top, ticks) = ceiling(most([&best.mixes, &plain.mixes, &strict.mixes]));
    let ticks: Vec<_> = ticks.iter().map(|(at, name)| (*at, name.as_str())).collect();
    let panel = Panel {
        title: "Flows that old and new served side by side, a second",
        frame: (690.0, 450.0, 440.0, 190.0),
        scale: Scale::Linear(top),
        ticks: &ticks,
    };
    panel.draw(&mut page);
    panel.line(&mut page, &best.mixes, RED, "");
    panel.line(&mut page, &plain.mixes, BLUE, "");
    panel.line(&mut page, &strict.mixes, GREEN, "strict: 0");
    panel.name_peak(&mut page, &best.mixes, RED, ("one UUID each*", 22.0, 46.0));
    panel.name_peak(&mut page, &plain.mixes, BLUE, ("plain, until its cutover", 8.0, -4.0));
    page.push_str("</svg>\n");
    page
}

fn head(comparison: &Comparison) -> String {
    let size = comparison.size;
    let isolates = super::table::grouped((size.pops * size.workers * size.isolates) as u64);
    let ratio = comparison.equality_at_its_best.load().0 / comparison.plain.load().0;
    let title =
        format!("The manager is asked {ratio:.0} times less, and a strict release mixes no flow");
    let below = format!(
        "Simulated: a release of {} Workers in {} PoPs with {isolates} isolates. Seconds since the \
         deploy began.",
        size.workers, size.pops
    );
    let note = "* if its manager could answer everything. With one Durable Object it is swamped, and \
                serves whatever it has.";
    let other = "A PoP that the upload has not reached within 30 s and a lease serves the old on \
                 purpose; flows through it are not shown.";
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1280 720\" width=\"1280\" \
         height=\"720\" role=\"img\" aria-labelledby=\"title desc\" font-family=\"system-ui, \
         -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\" font-size=\"16\" \
         fill=\"#1f2328\">\n\
         <title id=\"title\">{title}</title>\n<desc id=\"desc\">{below}</desc>\n\
         <rect width=\"1280\" height=\"720\" fill=\"#ffffff\"/>\n\
         <text x=\"40\" y=\"58\" font-size=\"27\" font-weight=\"600\">{title}</text>\n\
         <text x=\"40\" y=\"92\" font-size=\"18\" fill=\"#57606a\">{below}</text>\n\
         <g font-size=\"13.5\" fill=\"#57606a\"><text x=\"40\" y=\"690\">{note}</text>\
         <text x=\"40\" y=\"709\">{other}</text></g>\n"
    )
}

/// A round number above `most`, and the ticks up to it.
fn ceiling(most: f64) -> (f64, Vec<(f64, String)>) {
    let steps = [1_u32, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];
    let step = steps.into_iter().find(|step| f64::from(*step) * 4.0 >= most).unwrap_or(10_000);
    let ticks = (0..).map(|number| number * step);
    let mut top = 0.0;
    let mut shown = Vec::new();
    for tick in ticks {
        top = f64::from(tick);
        shown.push((top, super::table::grouped(tick.into())));
        if top >= most {
            break;
        }
    }
    (top, shown)
}

enum Scale {
    Log(f64, f64),
    Linear(f64),
}

struct Panel<'a> {
    title: &'a str,
    /// x, y, width and height.
    frame: (f64, f64, f64, f64),
    scale: Scale,
    ticks: &'a [(f64, &'a str)],
}

impl Panel<'_> {
    fn x(&self, second: f64) -> f64 {
        let (x, _, width, _) = self.frame;
        x + width * (second - SHOWN.0) / (SHOWN.1 - SHOWN.0)
    }

    fn y(&self, value: f64) -> f64 {
        let (_, y, _, height) = self.frame;
        let share = match self.scale {
            Scale::Log(low, high) => (value.max(low) / low).ln() / (high / low).ln(),
            Scale::Linear(top) => value / top,
        };
        y + height * (1.0 - share)
    }

    fn draw(&self, page: &mut String) {
        let (x, y, width, height) = self.frame;
        let _ = writeln!(
            page,
            "<text x=\"{x:.0}\" y=\"{:.0}\" font-weight=\"600\">{}</text>",
            y - 16.0,
            self.title
        );
        for (value, name) in self.ticks {
            let at = self.y(*value);
            let _ = writeln!(
                page,
                "<path d=\"M{x:.0} {at:.1}h{width:.0}\" stroke=\"#d8dee4\"/><text x=\"{:.0}\" \
                 y=\"{:.1}\" text-anchor=\"end\" fill=\"#57606a\">{name}</text>",
                x - 8.0,
                at + 5.5
            );
        }
        for second in [0, 30, 60, 90, 120, 150, 180] {
            let at = self.x(f64::from(second));
            let _ = writeln!(
                page,
                "<text x=\"{at:.1}\" y=\"{:.0}\" text-anchor=\"middle\" \
                 fill=\"#57606a\">{second} s</text>",
                y + height + 22.0
            );
        }
    }

    fn limit(&self, page: &mut String, value: f64, name: &str) {
        let (x, _, width, _) = self.frame;
        let at = self.y(value);
        let _ = writeln!(
            page,
            "<path d=\"M{x:.0} {at:.1}h{width:.0}\" stroke=\"#57606a\" stroke-dasharray=\"6 5\"/>\
             <text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#57606a\">{name}</text>",
            x + width - 8.0,
            at - 8.0
        );
    }

    /// A line, with its name at its end.
    fn line(&self, page: &mut String, series: &[u32], colour: &str, name: &str) {
        let mut path = String::new();
        let mut end = (0.0, 0.0);
        for (second, value) in smooth(series) {
            let (x, y) = (self.x(second), self.y(value));
            let _ = write!(path, "{}{x:.1} {y:.1}", if path.is_empty() { "M" } else { "L" });
            end = (x, y);
        }
        let _ = writeln!(
            page,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\" \
             stroke-linejoin=\"round\"/>"
        );
        self.name_at(page, (end.0 + 8.0, end.1 + 5.0), colour, name);
    }

    /// A name so far to the right of the highest point of a line and below it.
    fn name_peak(
        &self,
        page: &mut String,
        series: &[u32],
        colour: &str,
        (name, right, below): (&str, f64, f64),
    ) {
        let peak = smooth(series).into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((second, value)) = peak {
            let at = (self.x(second) + right, self.y(value) + below);
            self.name_at(page, at, colour, name);
        }
    }

    fn name_at(&self, page: &mut String, (x, y): (f64, f64), colour: &str, name: &str) {
        let _ = writeln!(
            page,
            "<text x=\"{x:.0}\" y=\"{y:.1}\" font-weight=\"600\" fill=\"{colour}\">{name}</text>"
        );
    }
}

/// The seconds that are shown, each as the mean of it and its neighbours.
fn smooth(series: &[u32]) -> Vec<(f64, f64)> {
    let deploy = f64::from(i32::try_from(DEPLOY / 1_000).expect("a short run"));
    let mean = |window: &[u32]| window.iter().map(|v| f64::from(*v)).sum::<f64>() / 3.0;
    let seconds = series.windows(3).enumerate();
    let seconds = seconds.map(|(place, window)| {
        let second = f64::from(u32::try_from(place + 1).expect("a short run"));
        (second - deploy, mean(window))
    });
    seconds.filter(|(second, _)| (SHOWN.0..=SHOWN.1).contains(second)).collect()
}
