/** The part of Preact's types that the dashboard uses; written by hand, elements take any property. */

export type Key = string | number | undefined | null;
export type RefObject<T> = { current: T };
export type RefCallback<T> = (instance: T | null) => void | (() => void);
export type Ref<T> = RefCallback<T> | RefObject<T | null> | null;

export interface VNode<P = any> {
	type: ComponentType<P> | string;
	props: P & { children?: ComponentChildren };
	key: Key;
	ref?: Ref<any>;
}
export type ComponentChild = VNode<any> | object | string | number | bigint | boolean | null | undefined;
export type ComponentChildren = ComponentChild[] | ComponentChild;

export interface ErrorInfo {
	componentStack?: string;
}
export type RenderableProps<P, R = any> = P & Readonly<{ key?: Key; children?: ComponentChildren; ref?: Ref<R> }>;

export interface FunctionComponent<P = {}> {
	(props: RenderableProps<P>, context?: any): ComponentChildren;
	displayName?: string;
}
export interface ComponentClass<P = {}, S = {}> {
	new (props: P, context?: any): Component<P, S>;
	displayName?: string;
}
export type ComponentType<P = {}> = ComponentClass<P> | FunctionComponent<P>;

export interface Component<P = {}, S = {}> {
	componentDidMount?(): void;
	componentWillUnmount?(): void;
	shouldComponentUpdate?(nextProps: Readonly<P>, nextState: Readonly<S>, nextContext: any): boolean;
	getSnapshotBeforeUpdate?(oldProps: Readonly<P>, oldState: Readonly<S>): any;
	componentDidUpdate?(previousProps: Readonly<P>, previousState: Readonly<S>, snapshot: any): void;
	componentDidCatch?(error: any, errorInfo: ErrorInfo): void;
}
export abstract class Component<P = {}, S = {}> {
	constructor(props?: P, context?: any);
	static displayName?: string;
	static getDerivedStateFromProps?(props: Readonly<object>, state: Readonly<object>): object | null;
	static getDerivedStateFromError?(error: any): object | null;
	state: Readonly<S>;
	props: RenderableProps<P>;
	context: any;
	base?: Element | Text;
	setState<K extends keyof S>(
		state: ((previous: Readonly<S>, props: Readonly<P>) => Pick<S, K> | Partial<S> | null) | Pick<S, K> | Partial<S> | null,
		callback?: () => void,
	): void;
	forceUpdate(callback?: () => void): void;
	abstract render(props?: RenderableProps<P>, state?: Readonly<S>, context?: any): ComponentChildren;
}

export function h(type: ComponentType<any> | string, props?: object | null, ...children: ComponentChildren[]): VNode<any>;
export const createElement: typeof h;
export function cloneElement(vnode: VNode<any>, props?: any, ...children: ComponentChildren[]): VNode<any>;
export function render(vnode: ComponentChild, parent: Node): void;
export function hydrate(vnode: ComponentChild, parent: Node): void;
export function createPortal(vnode: ComponentChildren, container: Node): VNode<any>;
export function createRef<T>(): RefObject<T | null>;
export function toChildArray(children: ComponentChildren): Array<VNode | string | number>;
export function isValidElement(vnode: any): vnode is VNode;
export const Fragment: FunctionComponent<{}>;

export interface Options {
	vnode?(vnode: VNode): void;
	unmount?(vnode: VNode): void;
	diffed?(vnode: VNode): void;
	event?(event: Event): any;
	requestAnimationFrame?(callback: () => void): void;
	debounceRendering?(callback: () => void): void;
}
export const options: Options;

export interface Context<T> extends FunctionComponent<{ value: T; children?: ComponentChildren }> {
	Consumer: FunctionComponent<{ children: (value: T) => ComponentChildren }>;
	Provider: FunctionComponent<{ value: T; children?: ComponentChildren }>;
	displayName?: string;
}
export type PreactContext<T> = Context<T>;
export function createContext<T>(defaultValue: T): Context<T>;
