// The formats' questions, one a format.  registry.cpp says in which order they are asked, and why.
#pragma once

#include "input.hpp"

namespace salvage::partition {

/// Errors of all: io.  Everything else is an answer.
[[nodiscard]] Result<ProbeResults> probe_gpt(const Input& input);
[[nodiscard]] Result<ProbeResults> probe_pmt(const Input& input);
[[nodiscard]] Result<ProbeResults> probe_mbr(const Input& input);
[[nodiscard]] Result<ProbeResults> probe_scatter_xml(const Input& input);
[[nodiscard]] Result<ProbeResults> probe_scatter_yaml(const Input& input);
[[nodiscard]] Result<ProbeResults> probe_scatter_text(const Input& input);
[[nodiscard]] Result<ProbeResults> probe_scatter_ota(const Input& input);
[[nodiscard]] Result<ProbeResults> probe_fstab(const Input& input);
/// Not a table at all: recognisable images at 128 KiB steps.  Reads at most 4 KiB a MiB of the dump.
[[nodiscard]] Result<ProbeResults> probe_by_carving(const Input& input);

} // namespace salvage::partition
