"""Saved objects of Kibana made from the sources: data views, saved searches, Lens panels, maps, dashboards.

In the form that Kibana 8.9 exports; later versions, 9 included, migrate it as they import it. Every panel is an object of its
own, so that it can be used on other dashboards too.
"""

from __future__ import annotations

import json
from typing import Any

from .panels import Dashboard, DataView, Metric, Panel, Search, Sources
from .query import MOST_SERIES, metric_title

CORE_VERSION = "8.8.0"
TYPE_VERSIONS = {"index-pattern": "8.0.0", "search": "8.0.0", "lens": "8.9.0", "map": "8.4.0", "dashboard": "8.9.0"}
LAYER = "layer"
# Of fields whose values are told apart; all others are texts.
DATA_TYPES = {"http.response.status_code": "number", "source.ip": "ip"}

Object = dict[str, Any]


def build(sources: Sources) -> list[Object]:
    """All objects, each after those it refers to, always in the same order."""
    objects = [data_view(view) for view in sources.data_views.values()]
    objects += [search(value) for value in sources.searches.values()]
    for value in sources.dashboards.values():
        objects += [panel_object(value, panel) for panel in value.panels if panel.kind != "search"]
        objects.append(dashboard(value))
    return objects


def ndjson(objects: list[Object]) -> str:
    """One object a line."""
    return "".join(json.dumps(value, sort_keys=True, ensure_ascii=False) + "\n" for value in objects)


def saved_object(kind: str, identifier: str, attributes: Object, references: list[Object]) -> Object:
    """What is the same for every type."""
    return {
        "type": kind,
        "id": identifier,
        "attributes": attributes,
        "references": references,
        "coreMigrationVersion": CORE_VERSION,
        "typeMigrationVersion": TYPE_VERSIONS[kind],
    }


def reference(kind: str, identifier: str, name: str) -> Object:
    """A reference to another object, under the name that the attributes use."""
    return {"type": kind, "id": identifier, "name": name}


def view_id(view: DataView) -> str:
    """The id of a data view; other objects' ids are made likewise."""
    return f"elkfa-{view.id}"


def data_view(view: DataView) -> Object:
    """A data view; numbers of bytes and nanoseconds are shown as such."""
    formats = {
        "event.duration": {
            "id": "duration",
            "params": {"inputFormat": "nanoseconds", "outputFormat": "asMilliseconds", "outputPrecision": 1},
        },
        "http.response.body.bytes": {"id": "bytes"},
        "http.response.bytes": {"id": "bytes"},
    }
    attributes = {
        "title": view.title,
        "name": view.name,
        "timeFieldName": "@timestamp",
        "fieldFormatMap": json.dumps(formats, sort_keys=True),
        "fields": "[]",
        "fieldAttrs": "{}",
        "runtimeFieldMap": "{}",
        "sourceFilters": "[]",
        "typeMeta": "{}",
        "allowNoIndex": True,
    }
    return saved_object("index-pattern", view_id(view), attributes, [])


def search(value: Search) -> Object:
    """A saved search of Discover."""
    name = "kibanaSavedObjectMeta.searchSourceJSON.index"
    source = {"query": kuery(value.filter), "filter": [], "indexRefName": name}
    attributes = {
        "title": value.title,
        "description": value.description,
        "columns": list(value.columns),
        "sort": [["@timestamp", "asc" if value.is_ascending else "desc"]],
        "grid": {},
        "hideChart": True,
        "isTextBasedQuery": False,
        "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps(source, sort_keys=True)},
    }
    return saved_object("search", f"elkfa-{value.id}", attributes, [reference("index-pattern", view_id(value.data_view), name)])


def panel_id(dashboard_id: str, panel: Panel) -> str:
    """The id of a panel's object."""
    return f"elkfa-{panel.search.id}" if panel.search else f"elkfa-{dashboard_id}-{panel.id}"


def panel_object(value: Dashboard, panel: Panel) -> Object:
    """The Lens or map object of a panel."""
    identifier = panel_id(value.id, panel)
    return map_object(identifier, panel) if panel.kind == "map" else lens(identifier, panel)


def kuery(text: str) -> Object:
    """A query in Kibana's language."""
    return {"query": text, "language": "kuery"}


# MARK: Lens


def lens(identifier: str, panel: Panel) -> Object:
    """A Lens object with one layer."""
    columns = columns_of(panel)
    order = list(columns)
    layer = {"columns": columns, "columnOrder": order, "incompleteColumns": {}, "sampling": 1, "ignoreGlobalFilters": False}
    kind, visualization = visualization_of(panel, order)
    attributes = {
        "title": panel.title,
        "description": "",
        "visualizationType": kind,
        "state": {
            "visualization": visualization,
            "query": kuery(panel.filter),
            "filters": [],
            "datasourceStates": {"formBased": {"layers": {LAYER: layer}}},
            "internalReferences": [],
            "adHocDataViews": {},
        },
    }
    references = [reference("index-pattern", view_id(panel.data_view), f"indexpattern-datasource-layer-{LAYER}")]
    return saved_object("lens", identifier, attributes, references)


def columns_of(panel: Panel) -> dict[str, Object]:
    """The columns of a panel's layer: buckets first, then figures."""
    figure = {"metric": metric_column(panel.metric, metric_title(panel))}
    match panel.kind:
        case "metric":
            return {"metric": metric_column(panel.metric, panel.title)}
        case "time_series":
            split: dict[str, Object] = {}
            if panel.filters:
                split = {"split": filters_column(panel)}
            elif panel.breakdown:
                split = {"split": terms_column(panel.breakdown, MOST_SERIES, other=True)}
            return split | {"time": time_column()} | figure
        case "filters":
            return {"split": filters_column(panel)} | figure
        case "percentiles":
            names = [f"p{percent:g}" for percent in panel.percents]
            spread = {name: percentile_column(panel, percent) for name, percent in zip(names, panel.percents)}
            return {"split": terms_column(panel.field, panel.size, by=names[-1])} | figure | spread
        case _:
            return {"split": terms_column(panel.field, panel.size, other=panel.kind == "donut")} | figure


def metric_column(metric: Metric, label: str) -> Object:
    """Records, unique values or a sum."""
    operation = {"count": "count", "unique": "unique_count", "sum": "sum"}[metric.operation]
    return {
        "label": label,
        "customLabel": True,
        "dataType": "number",
        "operationType": operation,
        "sourceField": metric.field or "___records___",
        "isBucketed": False,
        "scale": "ratio",
        "params": {"emptyAsNull": False},
    }


def percentile_column(panel: Panel, percent: float) -> Object:
    """One percentile of a number."""
    return {
        "label": f"p{percent:g}",
        "customLabel": True,
        "dataType": "number",
        "operationType": "percentile",
        "sourceField": panel.of,
        "isBucketed": False,
        "scale": "ratio",
        "params": {"percentile": percent},
    }


def time_column() -> Object:
    """Points in time."""
    return {
        "label": "@timestamp",
        "dataType": "date",
        "operationType": "date_histogram",
        "sourceField": "@timestamp",
        "isBucketed": True,
        "scale": "interval",
        "params": {"interval": "auto", "includeEmptyRows": True, "dropPartials": False},
    }


def terms_column(field: str, size: int, by: str = "metric", other: bool = False) -> Object:
    """The values of a field with the largest figures."""
    return {
        "label": field,
        "customLabel": True,
        "dataType": DATA_TYPES.get(field, "string"),
        "operationType": "terms",
        "sourceField": field,
        "isBucketed": True,
        "scale": "ordinal",
        "params": {
            "size": size,
            "orderBy": {"type": "column", "columnId": by},
            "orderDirection": "desc",
            "otherBucket": other,
            "missingBucket": False,
            "parentFormat": {"id": "terms"},
            "include": [],
            "exclude": [],
            "includeIsRegex": False,
            "excludeIsRegex": False,
        },
    }


def filters_column(panel: Panel) -> Object:
    """Named filters."""
    filters = [{"label": label, "input": kuery(text)} for label, text in panel.filters]
    return {
        "label": panel.title,
        "customLabel": True,
        "dataType": "string",
        "operationType": "filters",
        "isBucketed": True,
        "scale": "ordinal",
        "params": {"filters": filters},
    }


def visualization_of(panel: Panel, order: list[str]) -> tuple[str, Object]:
    """The type of the visualization and its state."""
    base = {"layerId": LAYER, "layerType": "data"}
    match panel.kind:
        case "metric":
            return "lnsMetric", base | {"metricAccessor": "metric"}
        case "time_series":
            return "lnsXY", xy("bar_stacked", "time", "split" if "split" in order else None)
        case "filters":
            return "lnsXY", xy("bar_horizontal", "split", None)
        case "donut":
            layer = base | {
                "primaryGroups": ["split"], "metrics": ["metric"], "numberDisplay": "percent", "categoryDisplay": "default",
                "legendDisplay": "default", "nestedLegend": False,
            }  # fmt: skip
            return "lnsPie", {"shape": "donut", "layers": [layer]}
        case _:
            return "lnsDatatable", base | {"columns": [{"columnId": name} for name in order]}


def xy(kind: str, x: str, split: str | None) -> Object:
    """Bars along an axis."""
    layer: Object = {
        "layerId": LAYER, "layerType": "data", "seriesType": kind, "accessors": ["metric"], "xAccessor": x,
        "position": "top", "showGridlines": False,
    }  # fmt: skip
    if split:
        layer["splitAccessor"] = split
    return {
        "legend": {"isVisible": split is not None, "position": "right"},
        "valueLabels": "hide",
        "preferredSeriesType": kind,
        "layers": [layer],
    }


# MARK: Maps


def map_object(identifier: str, panel: Panel) -> Object:
    """A map of the world with a circle for the documents of each tile."""
    name = "layer_1_source_index_pattern"
    size = {"type": "DYNAMIC", "options": {"minSize": 6, "maxSize": 32, "field": {"name": "doc_count", "origin": "source"}}}
    circles = {
        "id": "places",
        "label": panel.title,
        "type": "GEOJSON_VECTOR",
        "visible": True,
        "alpha": 0.75,
        "minZoom": 0,
        "maxZoom": 24,
        "joins": [],
        "style": {"type": "VECTOR", "isTimeAware": True, "properties": {"iconSize": size}},
        "sourceDescriptor": {
            "id": "places-source",
            "type": "ES_GEO_GRID",
            "geoField": panel.field,
            "requestType": "point",
            "resolution": "COARSE",
            "metrics": [{"type": "count"}],
            "applyGlobalQuery": True,
            "applyGlobalTime": True,
            "applyForceRefresh": True,
            "indexPatternRefName": name,
        },
    }
    world = {
        "id": "world",
        "label": "",
        "type": "EMS_VECTOR_TILE",
        "visible": True,
        "alpha": 1,
        "minZoom": 0,
        "maxZoom": 24,
        "style": {"type": "EMS_VECTOR_TILE", "color": ""},
        "sourceDescriptor": {"id": "world-source", "type": "EMS_TMS", "isAutoSelect": True},
        "includeInFitToBounds": True,
    }
    state = {
        "zoom": 1.2,
        "center": {"lat": 25, "lon": 10},
        "timeFilters": {"from": "now-24h", "to": "now"},
        "refreshConfig": {"isPaused": True, "interval": 60_000},
        "query": kuery(panel.filter),
        "filters": [],
    }
    attributes = {
        "title": panel.title,
        "description": "",
        "layerListJSON": json.dumps([world, circles], sort_keys=True),
        "mapStateJSON": json.dumps(state, sort_keys=True),
        "uiStateJSON": json.dumps({"isLayerTOCOpen": False, "openTOCDetails": []}, sort_keys=True),
    }
    return saved_object("map", identifier, attributes, [reference("index-pattern", view_id(panel.data_view), name)])


# MARK: Dashboards


def dashboard(value: Dashboard) -> Object:
    """A dashboard with its panels by reference, in rows from left to right."""
    panels, references = [], []
    for panel, (x, y) in zip(value.panels, positions(value.panels)):
        kind = {"map": "map", "search": "search"}.get(panel.kind, "lens")
        panels.append(
            {
                "type": kind,
                "panelIndex": panel.id,
                "panelRefName": f"panel_{panel.id}",
                "title": panel.title,
                "gridData": {"x": x, "y": y, "w": panel.width, "h": panel.height, "i": panel.id},
                "embeddableConfig": {"enhancements": {}},
            }
        )
        references.append(reference(kind, panel_id(value.id, panel), f"{panel.id}:panel_{panel.id}"))
    attributes: Object = {
        "title": value.title,
        "description": value.description,
        "timeRestore": True,
        "timeFrom": f"now-{value.time}",
        "timeTo": "now",
        "refreshInterval": {"pause": True, "value": 60_000},
        "panelsJSON": json.dumps(panels, sort_keys=True),
        "optionsJSON": json.dumps({"useMargins": True, "syncColors": False, "syncCursor": True, "hidePanelTitles": False}, sort_keys=True),
        "version": 1,
        "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps({"query": kuery(""), "filter": []}, sort_keys=True)},
    }
    if value.controls:
        controls = {}
        for number, control in enumerate(value.controls):
            identifier = f"control-{number}"
            controls[identifier] = {
                "type": "optionsListControl", "order": number, "width": "medium", "grow": True,
                "explicitInput": {"id": identifier, "fieldName": control.field, "title": control.title, "enhancements": {}},
            }  # fmt: skip
            name = f"controlGroup_{identifier}:optionsListDataView"
            references.append(reference("index-pattern", view_id(value.data_view), name))
        attributes["controlGroupInput"] = {
            "controlStyle": "oneLine",
            "chainingSystem": "HIERARCHICAL",
            "panelsJSON": json.dumps(controls, sort_keys=True),
            "ignoreParentSettingsJSON": json.dumps(dict.fromkeys(("ignoreFilters", "ignoreQuery", "ignoreTimerange", "ignoreValidations"), False), sort_keys=True),
        }
    return saved_object("dashboard", f"elkfa-{value.id}", attributes, references)


def positions(panels: tuple[Panel, ...]) -> list[tuple[int, int]]:
    """Column and row of each panel: as in a text, a line is as high as its highest panel."""
    places = []
    x = y = height = 0
    for panel in panels:
        if x + panel.width > 48:
            x, y, height = 0, y + height, 0
        places.append((x, y))
        x += panel.width
        height = max(height, panel.height)
    return places
